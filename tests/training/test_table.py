"""CSV files as people have them: `python -m unittest discover tests/training` (the standard library is enough)."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))
import table  # noqa: E402


class Table(unittest.TestCase):
    def rows(self, data: bytes) -> list[tuple[str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file.csv"
            path.write_bytes(data)
            return table.read(path)

    def refused(self, data: bytes, words: str) -> None:
        with self.assertRaises(table.TableError) as raised:
            self.rows(data)
        self.assertRegex(str(raised.exception), words)
        self.assertNotIn("\n", str(raised.exception))

    def test_separators_headers_and_order(self) -> None:
        for data in (
            b"text,label\none,a\n",
            b"TEXT;Label\r\none;a\r\n",
            b"id\tLABEL\t Text \n1\ta\tone\n",
            b"\xef\xbb\xbftext,label\none,a\n\n , \n",
            b"Category,Body\na,one",
        ):
            self.assertEqual(self.rows(data), [("one", "a")])

    def test_long_fields_and_lines_in_quotes(self) -> None:
        long = "word, " * 100_000
        self.assertEqual(self.rows(f'text,label\n"{long}\n""quoted""",a\n'.encode())[0][0], f'{long}\n"quoted"')

    def test_encodings(self) -> None:
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
            self.assertEqual(self.rows("text,label\ncafé “déjà”,a\n".encode(encoding)), [("café “déjà”", "a")])

    def test_what_is_wrong_has_its_line(self) -> None:
        self.refused(b'text,label\n"one\ntwo",a\nthree\n', "line 4: the row has 1 fields; the header has 2")
        self.refused(b"text,label\none,a\n,b\n", "line 3: the text is empty")
        self.refused(b"text,label\none, \n", "line 2: the label is empty")
        self.refused(b'text,label\n"one,a\n', "line 2: .*quote")
        self.refused(b"first,second\none,a\n", "line 1: no column is called 'text'")
        self.refused(b"text,label\n", "no rows")
        self.refused(b"", "is empty")
        self.refused(b"\x00\x01\x02\x03", "save it as UTF-8")
        self.refused(b"\xff\xfe\x00", "save it as UTF-8")
        with self.assertRaises(table.TableError):
            table.read(Path("/none/such.csv"))


if __name__ == "__main__":
    unittest.main()
