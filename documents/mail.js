/** The text of mails (.eml) and of pages saved as one file (.mht, .mhtml), by postal-mime. */
import PostalMime from 'postal-mime'
import { mendWindows1252 } from './encoding.js'
import { tooLarge, unreadable } from './errors.js'
import { htmlText } from './html.js'
import { badCharacters, ENDS_EARLY } from './notes.js'

/** Each takes time of its own; an attachment of 25 MB has 330,000. */
const MOST_LINES = 1_000_000

/** What a mail begins with: the name of a field and a colon, or a mailbox's line. */
const HEADER_FIELD = /^\ufeff?\s*(?:[!-9;-~]+[ \t]*:|>?From )/

/** What begins the next mail of a mailbox: in a line of its own, who it is from and when. A time zone may follow the year. */
const NEXT_MAIL = /\n\r?\nFrom +\S+ +.{0,99}\d\d:\d\d.{0,99}\b\d{4}\b/

/** What postal-mime makes of a lone last character of base64, six bits of a byte; it sets plain text among HTML in a div. */
const INVENTED = /[^]\0\0(?=\s*(?:$|<\/div>))/gmu

/** Whether the line that closes a mail of several parts is missing. @param {Uint8Array} bytes @param {import('postal-mime').Header[]} headers */
function isCut(bytes, headers) {
  const type = headers.find(({ key }) => key === 'content-type')?.value ?? ''
  const boundary = /^multipart\/.*;\s*boundary\s*=\s*("[^"]+"|[^";\s]+)/i.exec(type)?.[1].replaceAll('"', '')
  return boundary !== undefined && !`\n${new TextDecoder('latin1').decode(bytes)}`.includes(`\n--${boundary}--`)
}

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<{ text: string, notes: string[], format: string }>} the subject and what the mail says
 */
export async function readMail(bytes) {
  const start = new TextDecoder().decode(bytes.subarray(0, 4096))
  if (/^From .*\n/.test(start) && NEXT_MAIL.test(new TextDecoder().decode(bytes))) {
    throw unreadable('format', 'it is a mailbox of several mails, which is not read: save each as .eml')
  }
  if (!HEADER_FIELD.test(start)) throw unreadable('damaged', 'its name or type says mail, but it does not begin with a mail header', { format: 'eml' })
  let lines = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++
  if (lines > MOST_LINES) throw tooLarge('the mail has', lines, MOST_LINES, 'lines')
  let mail
  try {
    mail = await PostalMime.parse(bytes)
  } catch (error) {
    throw unreadable('damaged', `it is not a mail that can be read (${error instanceof Error ? error.message : error})`, {}, error)
  }
  const { html = '', text: plain = '', subject = '' } = mail
  const [htmlLeft, plainLeft, subjectLeft] = [html, plain, subject].map((each) => each.replace(INVENTED, ''))
  const isShort = htmlLeft !== html || plainLeft !== plain || isCut(bytes, mail.headers)
  const body = html ? htmlText(htmlLeft) : plainLeft
  const text = mendWindows1252([subjectLeft, body.replace(/\r\n?/g, '\n').trim()].filter((part) => part !== '').join('\n\n'))
  const isPage = /^(Snapshot-Content-Location|Content-Type:\s*multipart\/related)/im.test(start.split(/\r?\n\r?\n/, 1)[0])
  const attached = mail.attachments.filter(({ related, disposition }) => !isPage && !(related && disposition !== 'attachment'))
  const notes = attached.map(({ filename, mimeType }) => `attachment not read: ${filename ?? mimeType}`)
  return { text, notes: [...isShort ? [ENDS_EARLY] : [], ...notes, ...badCharacters(text.split('\ufffd').length - 1)], format: isPage ? 'mhtml' : 'eml' }
}
