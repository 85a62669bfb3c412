/**
 * The text of documents as people have them: plain text, Markdown, HTML, PDF and others, read by well-kept libraries that are
 * loaded when the first document of a format comes. The same in browsers, workers and Node.js.
 *
 * @module linformer-wasm/documents
 */

export interface ReadOptions {
  /** The file's name: its ending counts where content and type say nothing. */
  name?: string | null
  /**
   * What it is: a media type, as a server or a File has it, which counts where the content says nothing; or one of `TYPES`,
   * which is taken at its word.
   */
  type?: string | null
  /** Of text without a byte order mark, in place of UTF-8: a label of the Encoding Standard, such as windows-1252. */
  encoding?: string | null
  /** 0 to 1; for documents that take a while. What it throws is what `readDocument` rejects with. */
  onProgress?: (share: number) => void
}

export interface DocumentText {
  /** What a reader would see. It has at least one visible character. */
  text: string
  format: 'text' | 'markdown' | 'html' | 'xhtml' | 'pdf' | 'docx' | 'odt' | 'epub' | 'rtf' | 'eml' | 'mhtml'
  /** What of the document is not in the text: pages that are pictures, attachments, characters that could not be decoded, the end of a file that breaks off. */
  notes: string[]
}

/** What `type` can be besides media types. */
export const TYPES: readonly string[]

/** Most bytes of a document. */
export const MOST_BYTES: number

/**
 * What is in the bytes of a file decides what it is, then `type`, then `name`.
 *
 * @throws LinformerError DOCUMENT if it cannot be read, with `details.reason`: format (not one of those that are read), table
 *   (rows, not one document), encoding, damaged, locked (with a password), limit, reader (the part that reads the format is
 *   not installed); EMPTY_TEXT if no character of it is visible; BAD_ARGUMENT
 */
export function readDocument(bytes: Uint8Array | ArrayBuffer | ArrayBufferView, options?: ReadOptions): Promise<DocumentText>
