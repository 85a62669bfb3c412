/** The text of mails (.eml) and of pages saved as one file (.mht, .mhtml), by postal-mime. */
import PostalMime from 'postal-mime'
import { mendWindows1252 } from './encoding.js'
import { unreadable } from './errors.js'
import { htmlText } from './html.js'
import { badCharacters } from './notes.js'

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<{ text: string, notes: string[], format: string }>} the subject and what the mail says
 */
export async function readMail(bytes) {
  const start = new TextDecoder().decode(bytes.subarray(0, 4096))
  if (/^From .*\n/.test(start) && /\n\r?\nFrom \S+ .*\d{4}\r?\n/.test(new TextDecoder().decode(bytes))) {
    throw unreadable('format', 'it is a mailbox of several mails, which is not read: save each as .eml')
  }
  let mail
  try {
    mail = await PostalMime.parse(bytes)
  } catch (error) {
    throw unreadable('damaged', `it is not a mail that can be read (${error instanceof Error ? error.message : error})`, {}, error)
  }
  const body = mail.html ? htmlText(mail.html) : mail.text ?? ''
  const text = mendWindows1252([mail.subject ?? '', body.replace(/\r\n?/g, '\n').trim()].filter((part) => part !== '').join('\n\n'))
  const isPage = /^(Snapshot-Content-Location|Content-Type:\s*multipart\/related)/im.test(start.split(/\r?\n\r?\n/, 1)[0])
  const attached = mail.attachments.filter(({ related, disposition }) => !isPage && !(related && disposition !== 'attachment'))
  const notes = attached.map(({ filename, mimeType }) => `attachment not read: ${filename ?? mimeType}`)
  return { text, notes: [...notes, ...badCharacters(text.split('\ufffd').length - 1)], format: isPage ? 'mhtml' : 'eml' }
}
