/**
 * Code pages of DOS, which TextDecoder does not know. Old RTF is written in them: 437 in North America, 850 in Western Europe.
 */

/** The characters of bytes 128 to 255. @type {Record<string, string>} */
const UPPER = {
  ibm437: 'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0',
  ibm850: 'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\xad±‗¾¶§÷¸°¨·¹³²■\xa0'
}

/** @param {string} encoding */
export const isDos = (encoding) => Object.hasOwn(UPPER, encoding)

/** @param {Uint8Array} bytes @param {string} encoding one of the two @returns {string} */
export function decodeDos(bytes, encoding) {
  let text = ''
  for (const byte of bytes) text += byte < 128 ? String.fromCharCode(byte) : UPPER[encoding][byte - 128]
  return text
}
