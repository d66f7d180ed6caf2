/*
 * ident_township_core.c: whether a township lies in a county.
 *
 * Only hashes of the names are kept (see tools/divisions/townships.mjs): that is
 * enough to confirm a reading of an address and to choose between several.
 */
#include "ident_division_core.h"

#include "township_table.inc"

/* Longest name of a township that is looked for, in characters. */
#define TOWNSHIP_POINTS 16

/* The county's place in the table, -1 when nothing is known of its townships. */
static int
county_place(int32_t code)
{
	int			low = 0;
	int			high = TOWNSHIP_COUNTIES;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (township_county[middle] < code)
			low = middle + 1;
		else
			high = middle;
	}
	return low < TOWNSHIP_COUNTIES && township_county[low] == code ? low : -1;
}

static bool
has_hash(int place, uint16_t hash)
{
	int			low = township_start[place];
	int			last = township_start[place + 1];
	int			high = last;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (township_hash[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low < last && township_hash[low] == hash;
}

/*
 * What names of townships end with, in the order of frequency.  Asking for it
 * first makes a chance hit of the hash rarer still.
 */
static bool
ends_like_township(uint32_t point)
{
	static const uint16_t last[] = {
		0x9547, 0x9053, 0x4E61, 0x573A, 0x533A, 0x6728, 0x56ED, 0x5904, 0x56E2, 0x5C40, 0x4F1A, 0x5FC3,
		0x53F8, 0x72F1, 0x6240, 0x57CE, 0x5382, 0x5E93, 0x90E8, 0x77FF, 0x5212, 0x5BA4, 0x7AD9, 0x5730
	};

	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++)
	{
		if (last[i] == point)
			return true;
	}
	return false;
}

/*
 * Bytes at the front of the text that are the name of a township of the county,
 * the longest such name; 0 when there is none.
 */
size_t
crm_township_match(int32_t county, const char *text, size_t length)
{
	int			place = county_place(county);
	uint32_t	hash = 0x811c9dc5;
	size_t		found = 0;
	size_t		at = 0;

	for (int points = 1; place >= 0 && points <= TOWNSHIP_POINTS && at < length; points++)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + at, length - at, &point);

		if (bytes < 2)
			break;
		for (size_t end = at + bytes; at < end; at++)
			hash = (hash ^ (unsigned char) text[at]) * 0x01000193;
		if (points > 1 && ends_like_township(point) &&
			has_hash(place, (uint16_t) (hash >> 16 ^ hash)))
			found = at;
	}
	return found;
}
