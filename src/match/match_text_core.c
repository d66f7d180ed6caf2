/*
 * match_text_core.c: Jaro, Jaro-Winkler, Levenshtein, Damerau-Levenshtein, Jaccard.
 */
#include <stdlib.h>

#include "ident/ident_core.h"
#include "match_text_core.h"

/* Where bytes that are no UTF-8 are put: above every code point. */
#define NO_CHARACTER 0x110000

/* Texts up to here are worked on in machine words. */
#define SHORT 64

size_t
crm_text_points(const char *text, size_t length, uint32_t *points, size_t room)
{
	size_t		used = 0;

	for (size_t i = 0; i < length && used < room; used++)
	{
		size_t		bytes;

		if ((unsigned char) text[i] < 0x80)
		{
			points[used] = (unsigned char) text[i++];
			continue;
		}
		bytes = crm_utf8_decode(text + i, length - i, &points[used]);

		if (bytes == 0)
		{
			points[used] = NO_CHARACTER + (unsigned char) text[i];
			bytes = 1;
		}
		i += bytes;
	}
	return used;
}

size_t
crm_text_count(const char *text, size_t length)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; used++)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		i += bytes == 0 ? 1 : bytes;
	}
	return used;
}

/* Whether all characters of a short text are ASCII. */
static bool
is_ascii(const uint32_t *points, size_t count)
{
	uint32_t	all = 0;

	for (size_t i = 0; i < count; i++)
		all |= points[i];
	return all < 0x80;
}

static void
narrow(const uint32_t *points, size_t count, unsigned char *bytes)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (unsigned char) points[i];
}

static void
widen(const unsigned char *bytes, size_t count, uint32_t *points)
{
	for (size_t i = 0; i < count; i++)
		points[i] = bytes[i];
}

/* Edits */

/* Whether one insertion, deletion, substitution or exchange makes them equal. */
static bool
one_edit(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	size_t		same = 0;
	size_t		tail = 0;
	size_t		shorter = a_count < b_count ? a_count : b_count;

	while (same < shorter && a[same] == b[same])
		same++;
	while (tail < shorter - same && a[a_count - 1 - tail] == b[b_count - 1 - tail])
		tail++;
	a_count -= same + tail;
	b_count -= same + tail;
	a += same;
	b += same;
	return (a_count <= 1 && b_count <= 1) ||
		(a_count == 2 && b_count == 2 && a[0] == b[1] && a[1] == b[0]);
}

/* Take off what both begin and end with: it changes no distance. */
static void
strip_common(const uint32_t **a, size_t *a_count, const uint32_t **b, size_t *b_count)
{
	while (*a_count > 0 && *b_count > 0 && **a == **b)
	{
		(*a)++;
		(*b)++;
		(*a_count)--;
		(*b_count)--;
	}
	while (*a_count > 0 && *b_count > 0 && (*a)[*a_count - 1] == (*b)[*b_count - 1])
	{
		(*a_count)--;
		(*b_count)--;
	}
}

/* Which places of a pattern of 64 characters at most a character has. */
static uint64_t
places_of(uint32_t point, const uint32_t *pattern, size_t count)
{
	uint64_t	places = 0;

	for (size_t i = 0; i < count; i++)
		places |= (uint64_t) (pattern[i] == point) << i;
	return places;
}

/*
 * Myers (1999) as Hyyrö (2003) writes it: a column of the matrix in one word, with
 * the exchange of neighbours where it is wanted.
 */
typedef struct Column
{
	uint64_t	positive;		/* one more than the row above */
	uint64_t	negative;		/* one less */
	uint64_t	diagonal;		/* no more than the place before and above */
	uint64_t	match;
	uint64_t	last;
	size_t		distance;
} Column;

static inline Column
first_column(size_t count)
{
	return (Column) {~UINT64_C(0), 0, 0, 0, UINT64_C(1) << (count - 1), count};
}

static inline void
next_column(Column *column, uint64_t match, bool exchange)
{
	uint64_t	exchanged = exchange ? ((~column->diagonal & match) << 1) & column->match : 0;
	uint64_t	diagonal = (((match & column->positive) + column->positive) ^ column->positive) | match | column->negative | exchanged;
	uint64_t	up = column->negative | ~(diagonal | column->positive);
	uint64_t	down = column->positive & diagonal;

	column->distance += (up & column->last) != 0;
	column->distance -= (down & column->last) != 0;
	up = up << 1 | 1;
	down <<= 1;
	column->positive = down | ~(diagonal | up);
	column->negative = up & diagonal;
	column->diagonal = diagonal;
	column->match = match;
}

static size_t
levenshtein_word(const uint32_t *pattern, size_t count, const uint32_t *text, size_t length)
{
	Column		column = first_column(count);

	for (size_t j = 0; j < length; j++)
		next_column(&column, places_of(text[j], pattern, count), false);
	return column.distance;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
levenshtein_rows(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	uint16_t	row[CRM_TEXT_POINTS_MAX + 1];

	for (size_t j = 0; j <= b_count; j++)
		row[j] = (uint16_t) j;
	for (size_t i = 1; i <= a_count; i++)
	{
		size_t		diagonal = row[0];

		row[0] = (uint16_t) i;
		for (size_t j = 1; j <= b_count; j++)
		{
			size_t		next = least(diagonal + (a[i - 1] != b[j - 1]), least(row[j], row[j - 1]) + 1);

			diagonal = row[j];
			row[j] = (uint16_t) next;
		}
	}
	return row[b_count];
}

size_t
crm_levenshtein(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	strip_common(&a, &a_count, &b, &b_count);
	if (a_count == 0 || b_count == 0)
		return a_count + b_count;
	if (a_count <= SHORT)
		return levenshtein_word(a, a_count, b, b_count);
	if (b_count <= SHORT)
		return levenshtein_word(b, b_count, a, a_count);
	return levenshtein_rows(a, a_count, b, b_count);
}

/*
 * Zhao and Sahni (2019): the matrix of Lowrance and Wagner (1975) by rows, since of
 * all transpositions only those beside the row or the column at hand can be best.
 * Rows are kept one place further on than their column.
 */
static size_t
damerau_rows(const uint32_t *a, int a_count, const uint32_t *b, int b_count)
{
	uint16_t	rows[2][CRM_TEXT_POINTS_MAX + 2];
	uint16_t	before[CRM_TEXT_POINTS_MAX + 2];	/* value ahead of the last match of a column */
	uint16_t	first[CRM_TEXT_POINTS_MAX]; /* where a character of b stands first in b */
	int16_t		seen[CRM_TEXT_POINTS_MAX];	/* last row with that character, -1 for none */
	uint16_t   *above = rows[0];
	uint16_t   *row = rows[1];
	int			most = (a_count > b_count ? a_count : b_count) + 1;

	row[0] = above[0] = (uint16_t) most;
	for (int j = 0; j <= b_count; j++)
	{
		row[j + 1] = (uint16_t) j;
		above[j + 1] = before[j + 1] = (uint16_t) most;
	}
	for (int j = 0; j < b_count; j++)
	{
		for (first[j] = 0; b[first[j]] != b[j];)
			first[j]++;
		seen[j] = -1;
	}
	for (int i = 1; i <= a_count; i++)
	{
		uint16_t   *swap = row;
		int			column = -1;	/* of the last match in this row */
		int			ahead = most;	/* value of two rows up, ahead of that match */
		int			corner;
		int			mine = -1;		/* where b has the character of this row */

		row = above;
		above = swap;
		corner = row[1];
		row[1] = (uint16_t) i;
		for (int j = 1; j <= b_count; j++)
		{
			bool		same = a[i - 1] == b[j - 1];
			int			best = above[j] + !same;

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (above[j + 1] + 1 < best)
				best = above[j + 1] + 1;
			if (same)
			{
				mine = first[j - 1];
				column = j;
				before[j + 1] = above[j - 1];
				ahead = corner;
			}
			else if (j - column == 1 && before[j + 1] + i - seen[first[j - 1]] < best)
				best = before[j + 1] + i - seen[first[j - 1]];
			else if (i - seen[first[j - 1]] == 1 && ahead + j - column < best)
				best = ahead + j - column;
			corner = row[j + 1];
			row[j + 1] = (uint16_t) best;
		}
		if (mine >= 0)
			seen[mine] = (int16_t) i;
	}
	return row[b_count + 1];
}

size_t
crm_damerau_levenshtein(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	strip_common(&a, &a_count, &b, &b_count);
	if (a_count == 0 || b_count == 0)
		return a_count + b_count;
	return damerau_rows(a, (int) a_count, b, (int) b_count);
}

/* The shorter one is the pattern, if it fits into a word; cap + 1 as soon as it must be more. */
static size_t
edits_bytes(const unsigned char *pattern, size_t count, const unsigned char *text, size_t length, size_t cap, bool exchange)
{
	uint64_t	places[0x100];
	Column		column = first_column(count);

	for (size_t j = 0; j < length; j++)
		places[text[j]] = 0;
	for (size_t i = 0; i < count; i++)
		places[pattern[i]] = 0;
	for (size_t i = 0; i < count; i++)
		places[pattern[i]] |= UINT64_C(1) << i;
	for (size_t j = 0; j < length; j++)
	{
		next_column(&column, places[text[j]], exchange);
		if (column.distance > cap + (length - 1 - j))
			return cap + 1;
	}
	return column.distance;
}

/* The table by rows, for what fits into no word; exchanged letters are not edited again. */
static size_t
edits_rows(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count, bool exchange)
{
	uint16_t	row[3][CRM_TEXT_BYTES_MAX + 1];

	for (size_t j = 0; j <= b_count; j++)
		row[0][j] = (uint16_t) j;
	for (size_t i = 1; i <= a_count; i++)
	{
		uint16_t   *now = row[i % 3];
		const uint16_t *last = row[(i + 2) % 3];
		const uint16_t *before = row[(i + 1) % 3];

		now[0] = (uint16_t) i;
		for (size_t j = 1; j <= b_count; j++)
		{
			size_t		cost = least((size_t) last[j - 1] + (a[i - 1] != b[j - 1]), (size_t) least(last[j], now[j - 1]) + 1);

			if (exchange && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost = least(cost, (size_t) before[j - 2] + 1);
			now[j] = (uint16_t) cost;
		}
	}
	return row[a_count % 3][b_count];
}

size_t
crm_edits_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count, size_t cap, bool exchange)
{
	size_t		found;

	if (a_count > b_count)
		return crm_edits_bytes(b, b_count, a, a_count, cap, exchange);
	if (b_count - a_count > cap || b_count > CRM_TEXT_BYTES_MAX)
		return cap + 1;
	if (a_count == 0)
		return b_count;
	found = a_count <= SHORT ? edits_bytes(a, a_count, b, b_count, cap, exchange) : edits_rows(a, a_count, b, b_count, exchange);
	return found > cap ? cap + 1 : found;
}

bool
crm_one_edit_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count)
{
	size_t		same = 0;
	size_t		tail = 0;
	size_t		shorter = a_count < b_count ? a_count : b_count;

	while (same < shorter && a[same] == b[same])
		same++;
	while (tail < shorter - same && a[a_count - 1 - tail] == b[b_count - 1 - tail])
		tail++;
	a_count -= same + tail;
	b_count -= same + tail;
	return (a_count <= 1 && b_count <= 1) || (a_count == 2 && b_count == 2 && a[same] == b[same + 1] && a[same + 1] == b[same]);
}

/* Two bytes apart at most: only then the edits are counted that exchange over a gap. */
bool
crm_damerau_within_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count, size_t limit)
{
	uint32_t	x[CRM_TEXT_BYTES_MAX];
	uint32_t	y[CRM_TEXT_BYTES_MAX];

	if (limit == 1)
		return crm_one_edit_bytes(a, a_count, b, b_count);
	if (crm_edits_bytes(a, a_count, b, b_count, 2 * limit, false) > 2 * limit)
		return false;
	widen(a, a_count, x);
	widen(b, b_count, y);
	return crm_damerau_within(x, a_count, y, b_count, limit);
}

/* One exchange saves an edit at most, so the plain distance bounds the other. */
bool
crm_damerau_within(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, size_t limit)
{
	size_t		more = a_count > b_count ? a_count - b_count : b_count - a_count;
	size_t		plain;

	if (more > limit)
		return false;
	if (limit == 0)
		return memcmp(a, b, a_count * sizeof(uint32_t)) == 0;
	if (one_edit(a, a_count, b, b_count))
		return true;
	if (limit == 1)
		return false;
	plain = crm_levenshtein(a, a_count, b, b_count);
	return plain <= limit || (plain <= 2 * limit && crm_damerau_levenshtein(a, a_count, b, b_count) <= limit);
}

/* Jaro (1989) */

/* What two texts have in common within the window, and how much of it out of order. */
typedef struct Common
{
	size_t		matches;
	size_t		displaced;
} Common;

static size_t
jaro_window(size_t a_count, size_t b_count)
{
	size_t		half = (a_count > b_count ? a_count : b_count) / 2;

	return half > 0 ? half - 1 : 0;
}

/* Bytes, 64 at most: all places of a character in one word. */
static Common
jaro_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count)
{
	uint64_t	places[0x100];
	size_t		window = jaro_window(a_count, b_count);
	uint64_t	taken = 0;
	uint64_t	matched = 0;
	Common		common = {0, 0};

	/* Only what is asked for is cleared. */
	for (size_t i = 0; i < a_count; i++)
		places[a[i]] = 0;
	for (size_t j = 0; j < b_count; j++)
		places[b[j]] = 0;
	for (size_t j = 0; j < b_count; j++)
		places[b[j]] |= UINT64_C(1) << j;
	for (size_t i = 0; i < a_count && i < b_count + window; i++)
	{
		size_t		from = i > window ? i - window : 0;
		size_t		width = i + window + 1 - from;
		uint64_t	near = (width >= SHORT ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1) << from;
		uint64_t	here = places[a[i]] & near & ~taken;

		taken |= here & -here;
		matched |= (uint64_t) (here != 0) << i;
	}
	common.matches = (size_t) __builtin_popcountll(matched);
	for (; matched != 0; matched &= matched - 1, taken &= taken - 1)
		common.displaced += a[__builtin_ctzll(matched)] != b[__builtin_ctzll(taken)];
	return common;
}

static Common
jaro_ascii(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	unsigned char x[SHORT];
	unsigned char y[SHORT];

	narrow(a, a_count, x);
	narrow(b, b_count, y);
	return jaro_bytes(x, a_count, y, b_count);
}

/* Marks in one word each, for texts of 64 characters at most. */
static Common
jaro_word(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	size_t		window = jaro_window(a_count, b_count);
	uint64_t	taken = 0;
	uint64_t	matched = 0;
	Common		common = {0, 0};

	for (size_t i = 0; i < a_count; i++)
	{
		size_t		from = i > window ? i - window : 0;
		size_t		to = least(i + window + 1, b_count);

		for (size_t j = from; j < to; j++)
		{
			if (b[j] == a[i] && (taken >> j & 1) == 0)
			{
				taken |= UINT64_C(1) << j;
				matched |= UINT64_C(1) << i;
				common.matches++;
				break;
			}
		}
	}
	for (; matched != 0; matched &= matched - 1, taken &= taken - 1)
		common.displaced += a[__builtin_ctzll(matched)] != b[__builtin_ctzll(taken)];
	return common;
}

static Common
jaro_long(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	bool		taken[CRM_TEXT_POINTS_MAX];
	uint32_t	matched[CRM_TEXT_POINTS_MAX];
	size_t		window = jaro_window(a_count, b_count);
	size_t		at = 0;
	Common		common = {0, 0};

	memset(taken, 0, b_count);
	for (size_t i = 0; i < a_count; i++)
	{
		size_t		to = least(i + window + 1, b_count);

		for (size_t j = i > window ? i - window : 0; j < to; j++)
		{
			if (b[j] == a[i] && !taken[j])
			{
				taken[j] = true;
				matched[common.matches++] = a[i];
				break;
			}
		}
	}
	for (size_t j = 0; j < b_count && at < common.matches; j++)
	{
		if (taken[j])
			common.displaced += b[j] != matched[at++];
	}
	return common;
}

/* Two displaced characters are one exchange; an odd one does not count. */
static double
jaro_share(Common common, size_t a_count, size_t b_count)
{
	double		matches = (double) common.matches;

	return common.matches == 0 ? 0 : (matches / a_count + matches / b_count + (matches - common.displaced / 2) / matches) / 3;
}

double
crm_jaro(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	Common		common;

	if (a_count == 0 || b_count == 0)
		return a_count == b_count;
	if (a_count > SHORT || b_count > SHORT)
		common = jaro_long(a, a_count, b, b_count);
	else if (is_ascii(a, a_count) && is_ascii(b, b_count))
		common = jaro_ascii(a, a_count, b, b_count);
	else
		common = jaro_word(a, a_count, b, b_count);
	return jaro_share(common, a_count, b_count);
}

/* What a comparison of folded bytes asks for: never longer than its values. */
static double
jaro_of_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count)
{
	uint32_t	x[CRM_TEXT_BYTES_MAX];
	uint32_t	y[CRM_TEXT_BYTES_MAX];

	if (a_count == 0 || b_count == 0)
		return a_count == b_count;
	if (a_count <= SHORT && b_count <= SHORT)
		return jaro_share(jaro_bytes(a, a_count, b, b_count), a_count, b_count);
	widen(a, a_count, x);
	widen(b, b_count, y);
	return jaro_share(jaro_long(x, a_count, y, b_count), a_count, b_count);
}

/* Winkler (1990): a common prefix of four at most counts, a tenth each, from 0.7 on. */
static double
winkler(double jaro, size_t prefix)
{
	return jaro > 0.7 ? jaro + prefix * 0.1 * (1 - jaro) : jaro;
}

double
crm_jaro_winkler(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	size_t		prefix = 0;

	while (prefix < 4 && prefix < a_count && prefix < b_count && a[prefix] == b[prefix])
		prefix++;
	return winkler(crm_jaro(a, a_count, b, b_count), prefix);
}

double
crm_jaro_winkler_bytes(const unsigned char *a, size_t a_count, const unsigned char *b, size_t b_count)
{
	size_t		prefix = 0;

	while (prefix < 4 && prefix < a_count && prefix < b_count && a[prefix] == b[prefix])
		prefix++;
	return winkler(jaro_of_bytes(a, a_count, b, b_count), prefix);
}

/* Jaccard (1901) */

static bool
stands_in(uint32_t point, const uint32_t *points, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (points[i] == point)
			return true;
	}
	return false;
}

/* Two words hold all characters of ASCII. */
static double
jaccard_ascii(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	uint64_t	in_a[2] = {0, 0};
	uint64_t	in_b[2] = {0, 0};

	for (size_t i = 0; i < a_count; i++)
		in_a[a[i] / 64] |= UINT64_C(1) << a[i] % 64;
	for (size_t j = 0; j < b_count; j++)
		in_b[b[j] / 64] |= UINT64_C(1) << b[j] % 64;
	return (double) (__builtin_popcountll(in_a[0] & in_b[0]) + __builtin_popcountll(in_a[1] & in_b[1])) /
		(__builtin_popcountll(in_a[0] | in_b[0]) + __builtin_popcountll(in_a[1] | in_b[1]));
}

static double
jaccard_short(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	size_t		both = 0;
	size_t		either = 0;

	for (size_t i = 0; i < a_count; i++)
	{
		if (stands_in(a[i], a, i))
			continue;
		either++;
		both += stands_in(a[i], b, b_count);
	}
	for (size_t j = 0; j < b_count; j++)
		either += !stands_in(b[j], b, j) && !stands_in(b[j], a, a_count);
	return (double) both / either;
}

#define POINTS_ALL (NO_CHARACTER + 256)

/* One bit for each character there is: linear, however long the texts. */
static double
jaccard_long(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	uint64_t	in_a[POINTS_ALL / 64] = {0};
	uint64_t	in_b[POINTS_ALL / 64] = {0};
	size_t		both = 0;
	size_t		either = 0;

	for (size_t i = 0; i < a_count; i++)
		in_a[a[i] / 64] |= UINT64_C(1) << a[i] % 64;
	for (size_t j = 0; j < b_count; j++)
		in_b[b[j] / 64] |= UINT64_C(1) << b[j] % 64;
	for (size_t i = 0; i < POINTS_ALL / 64; i++)
	{
		both += (size_t) __builtin_popcountll(in_a[i] & in_b[i]);
		either += (size_t) __builtin_popcountll(in_a[i] | in_b[i]);
	}
	return (double) both / either;
}

double
crm_jaccard(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	if (a_count == 0 || b_count == 0)
		return a_count == b_count;
	if (is_ascii(a, a_count) && is_ascii(b, b_count))
		return jaccard_ascii(a, a_count, b, b_count);
	return a_count <= SHORT && b_count <= SHORT ? jaccard_short(a, a_count, b, b_count) :
		jaccard_long(a, a_count, b, b_count);
}

/* Bigrams */

#define EDGE UINT64_C(0xFFFFFFFF)	/* before the first character and behind the last */

static int
by_value(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return x < y ? -1 : x > y;
}

/* The set of a text's bigrams, in order; its size. */
static size_t
bigrams(const uint32_t *points, size_t count, uint64_t *set)
{
	uint64_t	before = EDGE;
	size_t		kept = 0;

	for (size_t i = 0; i <= count; i++)
	{
		uint64_t	here = i < count ? points[i] : EDGE;

		set[i] = before << 32 | here;
		before = here;
	}
	qsort(set, count + 1, sizeof(uint64_t), by_value);
	for (size_t i = 0; i <= count; i++)
	{
		if (kept == 0 || set[i] != set[kept - 1])
			set[kept++] = set[i];
	}
	return kept;
}

double
crm_bigram(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	uint64_t	x[CRM_TEXT_POINTS_MAX + 1];
	uint64_t	y[CRM_TEXT_POINTS_MAX + 1];
	size_t		in_x;
	size_t		in_y;
	size_t		at = 0;
	size_t		both = 0;

	if (a_count == 0 || b_count == 0)
		return a_count == b_count;
	in_x = bigrams(a, a_count, x);
	in_y = bigrams(b, b_count, y);
	for (size_t i = 0; i < in_x; i++)
	{
		while (at < in_y && y[at] < x[i])
			at++;
		both += at < in_y && y[at] == x[i];
	}
	return (double) both / (in_x + in_y - both);
}
