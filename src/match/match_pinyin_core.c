/*
 * match_pinyin_core.c: look-ups in the table of readings, variants and look-alikes.
 */
#include "ident/ident_core.h"
#include "match_pinyin_core.h"

#include "match_pinyin_table.inc"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* The first row of a table of pairs that is not below a character. */
static size_t
pair_from(const uint16_t (*table)[2], size_t rows, uint32_t point)
{
	size_t		low = 0;

	while (low < rows)
	{
		size_t		middle = (low + rows) / 2;

		if (table[middle][0] < point)
			low = middle + 1;
		else
			rows = middle;
	}
	return low;
}

/* What a table says of a character, 0 when nothing. */
static uint32_t
pair_of(const uint16_t (*table)[2], size_t rows, uint32_t point)
{
	size_t		at = pair_from(table, rows, point);

	return at < rows && table[at][0] == point ? table[at][1] : 0;
}

static int
far_syllable(uint32_t point)
{
	size_t		low = 0;
	size_t		high = ROWS(pinyin_far);

	while (low < high)
	{
		size_t		middle = (low + high) / 2;

		if (pinyin_far[middle][0] < point)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ROWS(pinyin_far) && pinyin_far[low][0] == point ? (int) pinyin_far[low][1] : 0;
}

int
crm_pinyin(uint32_t point)
{
	if (point >= PINYIN_FIRST && point <= PINYIN_LAST)
		return pinyin_of[point - PINYIN_FIRST];
	if (point == 0x3007)
		return pinyin_of[0x96F6 - PINYIN_FIRST];	/* 〇 is 零 */
	return point > 0xFFFF ? far_syllable(point) : 0;
}

int
crm_pinyin_surname(uint32_t point)
{
	uint32_t	syllable = pair_of(pinyin_surname, ROWS(pinyin_surname), point);

	return syllable != 0 ? (int) syllable : crm_pinyin(point);
}

int
crm_pinyin_second(uint32_t point)
{
	return (int) pair_of(pinyin_second, ROWS(pinyin_second), point);
}

void
crm_pinyin_compound(uint32_t first, uint32_t last, int *first_syllable, int *last_syllable)
{
	*first_syllable = crm_pinyin(first);
	*last_syllable = crm_pinyin(last);
	for (size_t i = 0; i < ROWS(pinyin_compound); i++)
	{
		if (pinyin_compound[i][0] == first && pinyin_compound[i][1] == last)
		{
			*first_syllable = pinyin_compound[i][2];
			*last_syllable = pinyin_compound[i][3];
		}
	}
}

const char *
crm_pinyin_letters(int syllable)
{
	return pinyin_syllable[syllable];
}

int
crm_pinyin_soft(int syllable)
{
	return pinyin_soft[syllable];
}

uint32_t
crm_match_fold(uint32_t point)
{
	uint32_t	other;

	if (point >= 'A' && point <= 'Z')
		return point + 'a' - 'A';
	if (point >= LATIN_FIRST && point <= LATIN_LAST && latin_base[point - LATIN_FIRST] != '?')
		return (unsigned char) latin_base[point - LATIN_FIRST];
	point = crm_fold_point(point);
	if (point < 0x3400 || point > 0xFFFF)
		return point >= 'A' && point <= 'Z' ? point + 'a' - 'A' : point;
	point = crm_fold_chinese(point);
	other = pair_of(han_variant, ROWS(han_variant), point);
	return other != 0 ? other : point;
}

bool
crm_look_alike(uint32_t a, uint32_t b)
{
	for (size_t at = pair_from(han_lookalike, ROWS(han_lookalike), a);
		 at < ROWS(han_lookalike) && han_lookalike[at][0] == a; at++)
	{
		if (han_lookalike[at][1] == b)
			return true;
	}
	return false;
}

/* Texts */

/* The syllables of the surname that a name begins with; their number. */
static int
surname_syllables(const char *text, size_t length, int *syllable)
{
	uint32_t	point[2] = {0, 0};
	size_t		first = crm_utf8_decode(text, length, &point[0]);
	size_t		bytes;

	if (first == 0)
		return 0;
	bytes = crm_person_surname_length(text, length);
	if (bytes == 0)
		return 0;
	syllable[0] = crm_pinyin_surname(point[0]);
	if (bytes == first)
		return 1;
	crm_utf8_decode(text + first, length - first, &point[1]);
	crm_pinyin_compound(point[0], point[1], &syllable[0], &syllable[1]);
	return 2;
}

/* One character after the other of a text, with its syllable or 0. */
typedef struct Walk
{
	const char *text;
	size_t		length;
	size_t		at;
	size_t		bytes;			/* of the character at hand */
	int			place;			/* characters before it */
	int			surnames;
	int			surname[2];
	uint32_t	point;			/* 0 when the bytes are no UTF-8 */
	int			syllable;
} Walk;

static void
walk_begin(Walk *walk, const char *text, size_t length, bool is_name)
{
	char		start[16];
	size_t		used = 0;
	size_t		at = 0;

	memset(walk, 0, sizeof(*walk));
	walk->text = text;
	walk->length = length;
	/* Only the first three characters decide on the surname, in their simplified form. */
	for (int i = 0; i < 3 && is_name && at < length; i++)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + at, length - at, &point);

		if (bytes == 0)
			break;
		at += bytes;
		used += crm_utf8_encode(crm_match_fold(point), start + used);
	}
	if (is_name && used > 0)
		walk->surnames = surname_syllables(start, used, walk->surname);
}

static bool
walk_next(Walk *walk)
{
	walk->at += walk->bytes;
	if (walk->at >= walk->length)
		return false;
	walk->bytes = crm_utf8_decode(walk->text + walk->at, walk->length - walk->at, &walk->point);
	if (walk->bytes == 0)
	{
		walk->bytes = 1;
		walk->point = 0;
	}
	walk->syllable = walk->place < walk->surnames ? walk->surname[walk->place] :
		crm_pinyin(crm_match_fold(walk->point));
	walk->place++;
	return true;
}

size_t
crm_pinyin_text(const char *text, size_t length, bool is_name, char *out)
{
	Walk		walk;
	size_t		used = 0;
	bool		after_syllable = false;

	walk_begin(&walk, text, length, is_name);
	while (walk_next(&walk))
	{
		const char *piece = walk.syllable != 0 ? crm_pinyin_letters(walk.syllable) : text + walk.at;
		size_t		bytes = walk.syllable != 0 ? strlen(piece) : walk.bytes;
		bool		parted = used == 0 || out[used - 1] == ' ' || (walk.syllable == 0 && *piece == ' ');

		if (!parted && (after_syllable || walk.syllable != 0))
			out[used++] = ' ';
		memcpy(out + used, piece, bytes);
		used += bytes;
		after_syllable = walk.syllable != 0;
	}
	return used;
}

size_t
crm_pinyin_initials(const char *text, size_t length, bool is_name, char *out)
{
	Walk		walk;
	size_t		used = 0;
	bool		in_word = false;

	walk_begin(&walk, text, length, is_name);
	while (walk_next(&walk))
	{
		uint32_t	point = crm_match_fold(walk.point);
		bool		letter = point >= 'a' && point <= 'z';

		if (walk.syllable != 0)
			out[used++] = crm_pinyin_letters(walk.syllable)[0];
		else if ((letter && !in_word) || (point >= '0' && point <= '9'))
			out[used++] = (char) point;
		in_word = letter;
	}
	return used;
}
