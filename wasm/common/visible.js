/** Anything but white space, control and format characters, fillers, and what stands for an object that is not there. */
const VISIBLE = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/u

/** @param {string} text @returns {boolean} whether no character of it is visible */
export const isBlank = (text) => !VISIBLE.test(text)
