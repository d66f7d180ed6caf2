/*
 * match_text_kind_core.c: comparison kinds for texts of no special sort: exact,
 * Levenshtein, Damerau-Levenshtein, Jaro-Winkler and Jaccard at thresholds, and
 * title, which reads a text as a bag of words.
 */
#include "match_parts_core.h"

static size_t
prepare_text(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	(void) arg;
	return crm_match_plain(text, length, (char *) out, room < FOLD_MAX ? room : FOLD_MAX);
}

/* What only has to be equal needs no more than a hash where it is long. */
static size_t
prepare_exact(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	char		folded[CRM_MATCH_VALUE_MAX];
	size_t		bytes = crm_match_plain(text, length, folded, sizeof(folded));
	uint64_t	hash;

	(void) arg;
	if (room < 32)
		return 0;
	if (bytes <= 24)
	{
		memcpy(out, folded, bytes);
		return bytes;
	}
	hash = crm_match_digest(folded, bytes);
	memcpy(out, &hash, sizeof(hash));
	out[8] = 0;					/* no text has it, so that no text equals a hash */
	return 9;
}

static int
compare_exact(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	(void) arg;
	return crm_match_same(a, a_length, b, b_length) ? 1 : 2;
}

#define ELSE_LEVEL 6			/* of the kinds with thresholds, four at most */

/* The level of a distance under the thresholds, smallest first. */
static int
distance_level(const CrmMatchArg *arg, const unsigned char *a, size_t a_length,
			   const unsigned char *b, size_t b_length,
			   int (*distance) (const char *, int, const char *, int, int))
{
	static const CrmMatchArg usual = {2, {1, 2}};
	const CrmMatchArg *use = arg != NULL && arg->count > 0 ? arg : &usual;
	int			count = use->count < 4 ? use->count : 4;
	int			found;

	if (crm_match_same(a, a_length, b, b_length))
		return 1;
	found = distance((const char *) a, (int) a_length, (const char *) b, (int) b_length, (int) use->threshold[count - 1]);
	for (int i = 0; i < count; i++)
		if (found <= use->threshold[i])
			return 2 + i;
	return ELSE_LEVEL;
}

/* The level of a likeness, largest threshold first. */
static int
likeness_level(const CrmMatchArg *arg, const CrmMatchArg *usual, double likeness)
{
	const CrmMatchArg *use = arg != NULL && arg->count > 0 ? arg : usual;

	for (int i = 0; i < use->count && i < 4; i++)
		if (likeness >= use->threshold[i])
			return 2 + i;
	return ELSE_LEVEL;
}

static int
compare_levenshtein(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	return distance_level(arg, a, a_length, b, b_length, crm_match_levenshtein);
}

static int
compare_damerau(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	return distance_level(arg, a, a_length, b, b_length, crm_match_osa);
}

static int
compare_jaro_winkler(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	static const CrmMatchArg usual = {3, {0.92, 0.85, 0.7}};

	if (crm_match_same(a, a_length, b, b_length))
		return 1;
	return likeness_level(arg, &usual, crm_match_jaro_winkler((const char *) a, (int) a_length, (const char *) b, (int) b_length));
}

/* Words alike: equal, or one typing error in a word of four letters and more. */
static bool
word_alike(const CrmMatchWord *a, const CrmMatchWord *b)
{
	int			slips = a->length >= 8 && b->length >= 8 ? 2 : 1;

	if (a->length == b->length && memcmp(a->text, b->text, (size_t) a->length) == 0)
		return true;
	return a->length >= 4 && b->length >= 4 &&
		crm_match_osa(a->text, a->length, b->text, b->length, slips) <= slips;
}

/* How many words of a have a like one in b, each used once. */
static int
shared_words(const CrmMatchWord *a, int n, const CrmMatchWord *b, int m)
{
	bool		used[WORD_MAX] = {false};
	int			shared = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < m; j++)
			if (!used[j] && word_alike(&a[i], &b[j]))
			{
				used[j] = true;
				shared++;
				break;
			}
	return shared;
}

static double
jaccard(const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length, double *contained)
{
	CrmMatchWord left[WORD_MAX];
	CrmMatchWord right[WORD_MAX];
	int			n = crm_match_words((const char *) a, a_length, left, WORD_MAX);
	int			m = crm_match_words((const char *) b, b_length, right, WORD_MAX);
	int			shared = shared_words(left, n, right, m);
	int			back = shared_words(right, m, left, n);

	/* Words are paired as they come; the better way round counts, whichever side asks. */
	shared = back > shared ? back : shared;
	*contained = n && m ? (double) shared / (n < m ? n : m) : 0;
	return n && m ? (double) shared / (n + m - shared) : 0;
}

static int
compare_jaccard(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	static const CrmMatchArg usual = {3, {0.8, 0.5, 0.3}};
	double		contained;

	if (crm_match_same(a, a_length, b, b_length))
		return 1;
	return likeness_level(arg, &usual, jaccard(a, a_length, b, b_length, &contained));
}

/* Words that many names have and that tell nothing of which. */
static bool
is_filler(const CrmMatchWord *word)
{
	static const char *const filler[] = {
		"the", "of", "and", "for", "in", "at", "on", "a", "an", "inc", "ltd", "llc", "co", "corp", "company",
		"limited", "incorporated", "corporation", "plc", "gmbh", "de", "la", "el", "du", "des", NULL
	};

	for (int i = 0; filler[i] != NULL; i++)
		if ((int) strlen(filler[i]) == word->length && memcmp(filler[i], word->text, (size_t) word->length) == 0)
			return true;
	return false;
}

static size_t
prepare_title(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	char		folded[FOLD_MAX + 1];
	CrmMatchWord word[WORD_MAX];
	size_t		bytes = crm_match_plain(text, length, folded, sizeof(folded));
	int			words = crm_match_words(folded, bytes, word, WORD_MAX);
	size_t		written = 0;

	(void) arg;
	for (int i = 0; i < words; i++)
	{
		if (is_filler(&word[i]) || written + (size_t) word[i].length + 1 > room)
			continue;
		if (written > 0)
			out[written++] = ' ';
		memcpy(out + written, word[i].text, (size_t) word[i].length);
		written += (size_t) word[i].length;
	}
	if (written == 0 && bytes <= room)
		memcpy(out, folded, written = bytes);
	return written;
}

enum
{
	TITLE_EXACT = 1, TITLE_MOST, TITLE_CONTAINED, TITLE_HALF, TITLE_LETTERS, TITLE_SOME, TITLE_ELSE
};

static int
compare_title(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	double		contained;
	double		likeness;

	(void) arg;
	if (crm_match_same(a, a_length, b, b_length))
		return TITLE_EXACT;
	likeness = jaccard(a, a_length, b, b_length, &contained);
	if (likeness >= 0.75)
		return TITLE_MOST;
	if (contained >= 0.99)
		return TITLE_CONTAINED;
	if (likeness >= 0.45)
		return TITLE_HALF;
	if (crm_match_bigram_dice((const char *) a, (int) a_length, (const char *) b, (int) b_length) >= 0.7)
		return TITLE_LETTERS;
	return contained >= 0.5 || likeness >= 0.2 ? TITLE_SOME : TITLE_ELSE;
}

static uint64_t
term_exact(const unsigned char *value, size_t length, int level)
{
	return level == 1 ? crm_match_digest((const char *) value, length) : 0;
}

enum
{
	TEXT_FULL, TEXT_PREFIX, TEXT_SOUND, TEXT_BAG, TEXT_FRONT, TEXT_BACK
};

/* Front and back halves find a code with one wrong digit. */
static int
keys_text(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	const char *text = (const char *) value;
	int			keys = crm_match_add_key(key, 0, room, TEXT_FULL, crm_match_digest(text, length));

	if (length < 2)
		return keys;
	keys = crm_match_add_key(key, keys, room, TEXT_PREFIX, crm_match_digest(text, length < 4 ? length : 4));
	keys = crm_match_add_key(key, keys, room, TEXT_SOUND, crm_match_sound(text, (int) length));
	keys = crm_match_add_key(key, keys, room, TEXT_BAG, crm_match_letter_bag(text, (int) length));
	keys = crm_match_add_key(key, keys, room, TEXT_FRONT, crm_match_digest(text, length / 2));
	return crm_match_add_key(key, keys, room, TEXT_BACK, crm_match_digest(text + length / 2, length - length / 2));
}

static int
keys_exact(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	return crm_match_add_key(key, 0, room, TEXT_FULL, crm_match_digest((const char *) value, length));
}

enum
{
	TITLE_KEY_FULL, TITLE_KEY_PAIR, TITLE_KEY_WORD, TITLE_KEY_FIRST
};

static int
keys_title(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	CrmMatchWord word[WORD_MAX];
	int			words = crm_match_words((const char *) value, length, word, 7);
	int			keys = crm_match_add_key(key, 0, room, TITLE_KEY_FULL, crm_match_digest((const char *) value, length));

	for (int i = 0; i < words; i++)
		keys = crm_match_add_key(key, keys, room, i == 0 ? TITLE_KEY_FIRST : TITLE_KEY_WORD,
								 crm_match_digest(word[i].text, (size_t) word[i].length));
	for (int i = 0; i + 1 < words; i++)
		keys = crm_match_add_key(key, keys, room, TITLE_KEY_PAIR,
								 crm_match_digest(word[i].text, (size_t) (word[i + 1].text - word[i].text + word[i + 1].length)));
	if (words > 0)
		keys = crm_match_add_key(key, keys, room, TITLE_KEY_WORD, crm_match_digest(word[0].text, (size_t) word[0].length));
	return keys;
}

static const char *const exact_level[] = {"missing", "exact", "else", NULL};
static const char *const threshold_level[] = {
	"missing", "exact", "threshold_1", "threshold_2", "threshold_3", "threshold_4", "else", NULL
};
static const char *const title_level[] = {
	"missing", "exact", "most_words", "contained", "half_of_words", "letters", "some_words", "else", NULL
};
static const char *const exact_family[] = {"full", NULL};
static const char *const text_family[] = {"full", "prefix", "sound", "letters", "front", "back", NULL};
static const char *const title_family[] = {"full", "word_pair", "word", "first_word", NULL};

const CrmMatchKind crm_match_kind_exact = {
	"exact", exact_level, exact_family, prepare_exact, compare_exact, term_exact, keys_exact
};
const CrmMatchKind crm_match_kind_levenshtein = {
	"levenshtein", threshold_level, text_family, prepare_text, compare_levenshtein, term_exact, keys_text
};
const CrmMatchKind crm_match_kind_damerau = {
	"damerau_levenshtein", threshold_level, text_family, prepare_text, compare_damerau, term_exact, keys_text
};
const CrmMatchKind crm_match_kind_jaro_winkler = {
	"jaro_winkler", threshold_level, text_family, prepare_text, compare_jaro_winkler, term_exact, keys_text
};
const CrmMatchKind crm_match_kind_jaccard = {
	"jaccard", threshold_level, title_family, prepare_text, compare_jaccard, term_exact, keys_title
};
const CrmMatchKind crm_match_kind_title = {
	"title", title_level, title_family, prepare_title, compare_title, term_exact, keys_title
};
