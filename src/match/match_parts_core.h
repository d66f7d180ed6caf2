/*
 * match_parts_core.h: what the generic comparison kinds share: folding of text,
 * hashes, distances of short byte strings.
 */
#ifndef CRM_MATCH_PARTS_CORE_H
#define CRM_MATCH_PARTS_CORE_H

#include <stdbool.h>
#include <string.h>

#include "match_engine_core.h"

#define FOLD_MAX	240			/* bytes of folded text that count */
#define WORD_MAX	16			/* words of a text that count */

/* Lower case, accents off, punctuation to one space; UTF-8. */
extern size_t crm_match_plain(const char *text, size_t length, char *out, size_t room);
/* The same with letters and digits alone, for keys and codes. */
extern size_t crm_match_plain_tight(const char *text, size_t length, char *out, size_t room);

typedef struct CrmMatchWord
{
	const char *text;
	int			length;
} CrmMatchWord;

extern int	crm_match_words(const char *folded, size_t length, CrmMatchWord *word, int room);

/* Optimal string alignment; more than cap comes back as cap + 1. */
extern int	crm_match_osa(const char *a, int a_length, const char *b, int b_length, int cap);
extern int	crm_match_levenshtein(const char *a, int a_length, const char *b, int b_length, int cap);
extern double crm_match_jaro_winkler(const char *a, int a_length, const char *b, int b_length);
/* Shared pairs of neighbouring bytes, 0..1 (Dice). */
extern double crm_match_bigram_dice(const char *a, int a_length, const char *b, int b_length);
/* The same letters in any order: what a shuffled or mistyped word keeps. */
extern uint64_t crm_match_letter_bag(const char *text, int length);
/* Consonant classes after the first letter: a Soundex without its length limit of four. */
extern uint64_t crm_match_sound(const char *text, int length);

static inline uint64_t
crm_match_stir(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static inline uint64_t
crm_match_digest(const char *text, size_t length)
{
	uint64_t	hash = UINT64_C(0x9e3779b97f4a7c15) ^ length;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * UINT64_C(0x100000001b3) ^ hash >> 29;
	return crm_match_stir(hash);
}

static inline bool
crm_match_same(const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	return a_length == b_length && memcmp(a, b, a_length) == 0;
}

/* Adds a key where there is room; the new number of keys. */
static inline int
crm_match_add_key(CrmMatchKey *key, int keys, int room, int family, uint64_t hash)
{
	if (keys < room)
	{
		key[keys].family = family;
		key[keys].hash = hash;
		keys++;
	}
	return keys;
}

extern const CrmMatchKind crm_match_kind_exact;
extern const CrmMatchKind crm_match_kind_levenshtein;
extern const CrmMatchKind crm_match_kind_damerau;
extern const CrmMatchKind crm_match_kind_jaro_winkler;
extern const CrmMatchKind crm_match_kind_jaccard;
extern const CrmMatchKind crm_match_kind_name;
extern const CrmMatchKind crm_match_kind_title;
extern const CrmMatchKind crm_match_kind_date;
extern const CrmMatchKind crm_match_kind_email;
extern const CrmMatchKind crm_match_kind_numeric;
extern const CrmMatchKind crm_match_kind_postcode;
extern const CrmMatchKind crm_match_kind_address;
extern const CrmMatchKind crm_match_kind_phone;

#endif							/* CRM_MATCH_PARTS_CORE_H */
