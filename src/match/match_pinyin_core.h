/*
 * match_pinyin_core.h: how Chinese characters sound and what they look like, from
 * a table per character (tools/make-pinyin).  Toneless, without context but for
 * surnames.
 */
#ifndef CRM_MATCH_PINYIN_CORE_H
#define CRM_MATCH_PINYIN_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest syllable, zhuang, and its end. */
#define CRM_SYLLABLE_MAX 8

/* Number of a character's syllable, 0 when it has none. */
extern int	crm_pinyin(uint32_t point);
/* The same where it stands as a surname of one character. */
extern int	crm_pinyin_surname(uint32_t point);
/* Another living reading, 0 when there is none. */
extern int	crm_pinyin_second(uint32_t point);
/* Syllables of a surname of two characters. */
extern void crm_pinyin_compound(uint32_t first, uint32_t last, int *first_syllable, int *last_syllable);
/* Letters of a syllable, lower case. */
extern const char *crm_pinyin_letters(int syllable);
/* The class of a syllable for those who confuse zh/z ch/c sh/s n/l f/h -ng/-n. */
extern int	crm_pinyin_soft(int syllable);
/* The same done to letters in place; the new length. */
extern size_t crm_pinyin_soften(char *letters, size_t length);

/*
 * A text in pinyin: a syllable for each character that has one, with spaces around;
 * everything else as it is.  As a name, the surname at its front is read as such.
 * Room for CRM_PINYIN_ROOM(length) bytes is needed; the length written.
 */
#define CRM_PINYIN_ROOM(length) (3 * (length) + CRM_SYLLABLE_MAX)
extern size_t crm_pinyin_text(const char *text, size_t length, bool is_name, char *out);
/* First letters of the syllables, and of words that have none; digits stay. */
extern size_t crm_pinyin_initials(const char *text, size_t length, bool is_name, char *out);

/* One form of a character for comparison: narrow, lower case, simplified, no mark. */
extern uint32_t crm_match_fold(uint32_t point);
/* Whether two characters are taken for one another by shape (形近字). */
extern bool crm_look_alike(uint32_t a, uint32_t b);

#endif
