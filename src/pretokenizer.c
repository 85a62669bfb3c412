/* pretokenizer.c - characters to words, as the expression of GPT-2 splits them:
 *
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * as a state machine that sees one character at a time. What the expression finds out by looking ahead, the machine
 * finds out by holding back: of a run of white space its last character, which may belong to the next word, and of
 * 're, 've and 'll their first letter. */
#include "tokenizer.h"

static void append(lf_tokenizer *tokenizer, lf_character character) {
  const uint32_t c = character.code_point;
  const lf_origin origin = character.origin;
  if (c < 0x80) {
    lf_take_byte(tokenizer, (uint8_t)c, origin);
  } else if (c < 0x800) {
    lf_take_byte(tokenizer, (uint8_t)(0xc0 | c >> 6), origin);
    lf_take_byte(tokenizer, (uint8_t)(0x80 | (c & 0x3f)), origin);
  } else if (c < 0x10000) {
    lf_take_byte(tokenizer, (uint8_t)(0xe0 | c >> 12), origin);
    lf_take_byte(tokenizer, (uint8_t)(0x80 | (c >> 6 & 0x3f)), origin);
    lf_take_byte(tokenizer, (uint8_t)(0x80 | (c & 0x3f)), origin);
  } else {
    lf_take_byte(tokenizer, (uint8_t)(0xf0 | c >> 18), origin);
    lf_take_byte(tokenizer, (uint8_t)(0x80 | (c >> 12 & 0x3f)), origin);
    lf_take_byte(tokenizer, (uint8_t)(0x80 | (c >> 6 & 0x3f)), origin);
    lf_take_byte(tokenizer, (uint8_t)(0x80 | (c & 0x3f)), origin);
  }
}

static lf_class class_of(uint32_t c) {
  if (c >= 0x80) return lf_class_of(c);
  if ((c | 0x20) - 'a' < 26) return LF_CLASS_LETTER;
  if (c - '0' < 10) return LF_CLASS_NUMBER;
  return c == ' ' || c - '\t' < 5 ? LF_CLASS_SPACE : LF_CLASS_OTHER;
}

static void end_word(lf_tokenizer *tokenizer) {
  lf_end_word(tokenizer);
  tokenizer->kind = LF_WORD_EMPTY;
}

/* A character that starts a word, or follows the one space that does (`after_space`). */
static void start_word(lf_tokenizer *tokenizer, lf_character character, lf_class class, int after_space) {
  static const lf_word_kind kinds[] = {[LF_CLASS_OTHER] = LF_WORD_OTHERS,
                                       [LF_CLASS_LETTER] = LF_WORD_LETTERS,
                                       [LF_CLASS_NUMBER] = LF_WORD_NUMBERS,
                                       [LF_CLASS_SPACE] = LF_WORD_SPACES};
  tokenizer->kind = kinds[class];
  if (class == LF_CLASS_SPACE) {
    tokenizer->held = character;
    return;
  }
  if (character.code_point == '\'' && !after_space) tokenizer->kind = LF_WORD_APOSTROPHE;
  append(tokenizer, character);
}

/* Behind an apostrophe that starts a word: 1 if the character went into a contraction. */
static int contraction(lf_tokenizer *tokenizer, lf_character character) {
  const uint32_t c = character.code_point;
  if (tokenizer->kind == LF_WORD_APOSTROPHE) {
    if (c == 's' || c == 't' || c == 'm' || c == 'd') {
      append(tokenizer, character);
      end_word(tokenizer);
      return 1;
    }
    if (c == 'r' || c == 'v' || c == 'l') {
      tokenizer->held = character;
      tokenizer->kind = LF_WORD_CONTRACTION;
      return 1;
    }
    tokenizer->kind = LF_WORD_OTHERS;
    return 0;
  }
  const lf_character held = tokenizer->held;
  if (c == (held.code_point == 'l' ? 'l' : 'e')) {
    append(tokenizer, held);
    append(tokenizer, character);
    end_word(tokenizer);
    return 1;
  }
  end_word(tokenizer); /* the apostrophe alone, and a word that starts with the letter */
  start_word(tokenizer, held, LF_CLASS_LETTER, 0);
  return 0;
}

void lf_take_character(lf_tokenizer *tokenizer, lf_character character) {
  const lf_class class = class_of(character.code_point);
  if (tokenizer->kind == LF_WORD_APOSTROPHE || tokenizer->kind == LF_WORD_CONTRACTION) {
    if (contraction(tokenizer, character)) return;
  }
  switch (tokenizer->kind) {
    case LF_WORD_LETTERS:
      if (class == LF_CLASS_LETTER) {
        append(tokenizer, character);
        return;
      }
      break;
    case LF_WORD_NUMBERS:
      if (class == LF_CLASS_NUMBER) {
        append(tokenizer, character);
        return;
      }
      break;
    case LF_WORD_OTHERS:
      if (class == LF_CLASS_OTHER) {
        append(tokenizer, character);
        return;
      }
      break;
    case LF_WORD_SPACES: {
      const lf_character held = tokenizer->held;
      if (class == LF_CLASS_SPACE) {
        append(tokenizer, held);
        tokenizer->held = character;
        return;
      }
      lf_end_word(tokenizer); /* all white space but the last; none is no word */
      append(tokenizer, held);
      if (held.code_point == ' ') {
        start_word(tokenizer, character, class, 1);
        return;
      }
      break;
    }
    default: break;
  }
  if (tokenizer->kind != LF_WORD_EMPTY) end_word(tokenizer);
  start_word(tokenizer, character, class, 0);
}

void lf_end_of_text(lf_tokenizer *tokenizer) {
  const lf_character held = tokenizer->held;
  if (tokenizer->kind == LF_WORD_SPACES) append(tokenizer, held);
  if (tokenizer->kind == LF_WORD_CONTRACTION) {
    end_word(tokenizer);
    append(tokenizer, held);
  }
  end_word(tokenizer);
}
