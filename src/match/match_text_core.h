/*
 * match_text_core.h: how far apart two texts are, on arrays of characters, and the
 * hash that room match uses everywhere.
 *
 * A text is first decoded into an array of code points.  Bytes that are no UTF-8
 * become code points that no character has, one each, so that any bytes may come
 * and equal bytes stay equal.
 */
#ifndef CRM_MATCH_TEXT_CORE_H
#define CRM_MATCH_TEXT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Longest text, in characters, that the functions below but crm_jaccard take: their
 * work is quadratic.  Callers check it.
 */
#define CRM_TEXT_POINTS_MAX 8192

/* Code points of a text, at most room of them; their number. */
extern size_t crm_text_points(const char *text, size_t length, uint32_t *points, size_t room);
/* The number of code points, without writing them. */
extern size_t crm_text_count(const char *text, size_t length);

/* Similarities, 0 to 1.  Two empty texts are alike: 1. */
extern double crm_jaro(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
extern double crm_jaro_winkler(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
/* Of the sets of characters. */
extern double crm_jaccard(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);

/* Of the sets of neighbouring characters, the ends counting as one. */
extern double crm_bigram(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);

/* Edits: insertion, deletion, substitution. */
extern size_t crm_levenshtein(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
/* The same and exchange of neighbours, without restriction: CA to ABC is 2. */
extern size_t crm_damerau_levenshtein(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);

/* Whether the distance is at most limit: cheap where it is far more. */
extern bool crm_damerau_within(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
							   size_t limit);

/*
 * The same of bytes that need no decoding, for prepared values; no more of them than
 * this.  Of edits above cap no more is said than cap + 1; exchange counts neighbours
 * that changed places as one, if they are not edited otherwise (optimal string alignment).
 */
#define CRM_TEXT_BYTES_MAX 256
extern double crm_jaro_winkler_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count);
extern size_t crm_edits_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count,
							  size_t cap, bool exchange);
extern bool crm_one_edit_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count);
extern bool crm_damerau_within_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count,
									 size_t limit);

/* Mix 64 bits so that each depends on all (the finaliser of MurmurHash3, public domain). */
static inline uint64_t
crm_match_mix(uint64_t value)
{
	value ^= value >> 33;
	value *= UINT64_C(0xff51afd7ed558ccd);
	value ^= value >> 33;
	value *= UINT64_C(0xc4ceb9fe1a85ec53);
	return value ^ value >> 33;
}

/* Hash of bytes; never 0, since 0 says there is none. */
static inline uint64_t
crm_match_hash(const void *bytes, size_t length, uint64_t seed)
{
	const unsigned char *at = bytes;
	uint64_t	hash = crm_match_mix(seed + UINT64_C(0x9e3779b97f4a7c15) + length);

	for (; length >= 8; at += 8, length -= 8)
	{
		uint64_t	word;

		memcpy(&word, at, 8);
		hash = crm_match_mix(hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
	}
	if (length > 0)
	{
		uint64_t	word = 0;

		for (size_t i = 0; i < length; i++)
			word |= (uint64_t) at[i] << (8 * i);
		hash = crm_match_mix(hash ^ word);
	}
	return hash == 0 ? 1 : hash;
}

#endif
