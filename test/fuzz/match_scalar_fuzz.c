/*
 * Proves: no bytes crash the distances, the spelling, the folds or the Chinese kinds;
 * a prepared value fits its room and survives comparison with itself and another from
 * either side; levels are in range and the same from either side; a distance is a
 * metric where it should be.
 *
 * The first byte parts the input into two texts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "match/match_cn_core.h"
#include "match/match_pinyin_core.h"
#include "match/match_text_core.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define POINTS 512

static const CrmMatchKind *const kinds[] = {
	&crm_match_cn_name, &crm_match_cn_id_number, &crm_match_cn_phone, &crm_match_cn_address, &crm_match_cn_company_name
};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
fuzz_texts(const char *a, size_t a_size, const char *b, size_t b_size)
{
	uint32_t	x[POINTS];
	uint32_t	y[POINTS];
	size_t		n = crm_text_points(a, a_size, x, POINTS);
	size_t		m = crm_text_points(b, b_size, y, POINTS);
	size_t		plain = crm_levenshtein(x, n, y, m);
	size_t		full = crm_damerau_levenshtein(x, n, y, m);
	double		jaro = crm_jaro(x, n, y, m);
	double		winkler = crm_jaro_winkler(x, n, y, m);
	double		jaccard = crm_jaccard(x, n, y, m);
	double		bigram = crm_bigram(x, n, y, m);

	check(full <= plain && plain <= (n > m ? n : m) && plain >= (n > m ? n - m : m - n));
	check(full == crm_damerau_levenshtein(y, m, x, n) && plain == crm_levenshtein(y, m, x, n));
	check(crm_damerau_within(x, n, y, m, 2) == (full <= 2) && crm_damerau_within(x, n, y, m, full));
	check(jaro >= 0 && jaro <= 1 && winkler >= jaro && winkler <= 1 && jaccard >= 0 && jaccard <= 1);
	check(bigram >= 0 && bigram <= 1 && bigram == crm_bigram(y, m, x, n) && crm_bigram(x, n, x, n) == 1);
	check(crm_damerau_levenshtein(x, n, x, n) == 0 && crm_jaro(x, n, x, n) == 1 && crm_jaccard(y, m, y, m) == 1);
	check(a_size > POINTS || crm_text_count(a, a_size) == n);
}

static void
fuzz_spelling(const char *text, size_t size)
{
	char	   *out = malloc(CRM_PINYIN_ROOM(size));
	char		fold[2 * CRM_MATCH_VALUE_MAX];

	for (int is_name = 0; is_name < 2; is_name++)
	{
		check(crm_pinyin_text(text, size, is_name, out) <= CRM_PINYIN_ROOM(size));
		check(crm_pinyin_initials(text, size, is_name, out) <= size + 1);
	}
	free(out);
	check(crm_fold_name(text, size, fold, sizeof(fold)) <= sizeof(fold));
	check(crm_fold_company_name(text, size, fold, sizeof(fold)) <= sizeof(fold));
}

static void
fuzz_keys(const CrmMatchKind *kind, const unsigned char *value, size_t length)
{
	CrmMatchKey key[CRM_MATCH_KEY_MAX];
	int			families = 0;
	int			count = kind->keys(value, length, key, CRM_MATCH_KEY_MAX);

	while (kind->family[families] != NULL)
		families++;
	check(count >= 0 && count <= CRM_MATCH_KEY_MAX && kind->keys(value, length, key, 1) <= 1);
	for (int i = 0; i < count; i++)
		check(key[i].family >= 0 && key[i].family < families);
}

/* The values lie at the very end of what is theirs, so that one byte too far is seen. */
static unsigned char *
prepare(const CrmMatchKind *kind, const char *text, size_t size, size_t *length)
{
	unsigned char room[CRM_MATCH_VALUE_MAX];
	unsigned char *value;

	*length = kind->prepare(NULL, text, size, room, sizeof(room));
	check(*length <= sizeof(room));
	value = malloc(*length + 1);
	memcpy(value, room, *length);
	return realloc(value, *length > 0 ? *length : 1);
}

static void
fuzz_kind(const CrmMatchKind *kind, const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t		a_length;
	size_t		b_length;
	unsigned char *x = prepare(kind, a, a_size, &a_length);
	unsigned char *y = prepare(kind, b, b_size, &b_length);
	int			levels = 0;

	while (kind->level[levels] != NULL)
		levels++;
	if (a_length > 0 && b_length > 0)
	{
		int			level = kind->compare(NULL, x, a_length, y, b_length);

		check(level > 0 && level < levels && level == kind->compare(NULL, y, b_length, x, a_length));
		level = kind->compare(NULL, x, a_length, x, a_length);
		check(level > 0 && level < levels);
		for (level = 0; level < levels; level++)
			(void) kind->term(x, a_length, level);
		fuzz_keys(kind, x, a_length);
	}
	free(x);
	free(y);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data + 1;
	size_t		cut;

	if (size == 0)
		return 0;
	size--;
	cut = size * data[0] / 255;
	fuzz_texts(text, cut, text + cut, size - cut);
	fuzz_spelling(text, size);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		fuzz_kind(kinds[i], text, cut, text + cut, size - cut);
	return 0;
}
