/*
 * match_parts_core.c: folding and distances for the generic kinds.
 */
#include "match_parts_core.h"
#include "ident/ident_core.h"
#include "match_text_core.h"

/* Base letters of U+00C0..U+017F; '*' where there is none. */
static const char latin_base[] =
"aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty"
"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln"
"nnnnnnnnooooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* One code point, however damaged the text is: stray bytes are read as they stand. */
static size_t
decode(const unsigned char *s, size_t length, uint32_t *point)
{
	size_t		bytes = s[0] < 0xC2 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 1;

	*point = s[0];
	if (bytes == 1 || bytes > length)
		return 1;
	*point &= 0xFF >> (bytes + 1);
	for (size_t i = 1; i < bytes; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
		{
			*point = s[0];
			return 1;
		}
		*point = *point << 6 | (s[i] & 0x3F);
	}
	return bytes;
}

static bool
is_mark(uint32_t point)
{
	return (point >= 0x80 && point <= 0xBF) || point == 0xD7 || point == 0xF7 ||
		(point >= 0x2000 && point <= 0x206F) || (point >= 0x3000 && point <= 0x3004) ||
		(point >= 0x3008 && point <= 0x301F) || point == 0x30FB || point == 0xFEFF ||
		(point >= 0xFF00 && point <= 0xFF0F);
}

/* 0: drop; ' ': a gap. */
static uint32_t
fold_point(uint32_t point)
{
	if (point >= 0xFF01 && point <= 0xFF5E)
		point -= 0xFEE0;
	if (point < 0x80)
	{
		if (point >= 'A' && point <= 'Z')
			return point + 32;
		if ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9'))
			return point;
		return point == '\'' || point == '`' ? 0 : ' ';
	}
	if (point == 0x2019 || point == 0x200B || point == 0xFEFF || (point >= 0x300 && point <= 0x36F))
		return 0;
	if (point >= 0xC0 && point < 0xC0 + sizeof(latin_base) - 1 && latin_base[point - 0xC0] != '*')
		return (uint32_t) latin_base[point - 0xC0];
	if (is_mark(point))
		return ' ';
	if ((point >= 0x391 && point <= 0x3A9) || (point >= 0x410 && point <= 0x42F))
		return point + 32;
	return point;
}

static size_t
fold(const char *text, size_t length, char *out, size_t room, bool tight)
{
	const unsigned char *s = (const unsigned char *) text;
	size_t		written = 0;
	bool		gap = false;

	for (size_t at = 0; at < length && written + 5 < room;)
	{
		uint32_t	point;

		at += decode(s + at, length - at, &point);
		point = fold_point(point);
		if (point == 0)
			continue;
		if (point == ' ')
		{
			gap = !tight && written > 0;
			continue;
		}
		if (gap)
			out[written++] = ' ';
		gap = false;
		written += crm_utf8_encode(point, out + written);
	}
	return written;
}

size_t
crm_match_plain(const char *text, size_t length, char *out, size_t room)
{
	return fold(text, length, out, room, false);
}

size_t
crm_match_plain_tight(const char *text, size_t length, char *out, size_t room)
{
	return fold(text, length, out, room, true);
}

int
crm_match_words(const char *folded, size_t length, CrmMatchWord *word, int room)
{
	int			words = 0;

	for (size_t at = 0; at < length && words < room;)
	{
		size_t		end = at;

		while (end < length && folded[end] != ' ')
			end++;
		if (end > at)
		{
			word[words].text = folded + at;
			word[words++].length = (int) (end - at);
		}
		at = end + 1;
	}
	return words;
}

static int
smaller(int a, int b)
{
	return a < b ? a : b;
}

static int
edit(const char *a, int n, const char *b, int m, int cap, bool exchange)
{
	if (n > FOLD_MAX || m > FOLD_MAX)
		return cap + 1;
	return (int) crm_edits_bytes((const unsigned char *) a, (size_t) n, (const unsigned char *) b, (size_t) m, (size_t) cap, exchange);
}

int
crm_match_osa(const char *a, int a_length, const char *b, int b_length, int cap)
{
	return edit(a, a_length, b, b_length, cap, true);
}

int
crm_match_levenshtein(const char *a, int a_length, const char *b, int b_length, int cap)
{
	return edit(a, a_length, b, b_length, cap, false);
}

double
crm_match_jaro_winkler(const char *a, int a_length, const char *b, int b_length)
{
	/* Letters are paired as they come, so that the order of the sides could matter. */
	if (a_length > b_length || (a_length == b_length && memcmp(a, b, (size_t) a_length) > 0))
		return crm_match_jaro_winkler(b, b_length, a, a_length);

	a_length = smaller(a_length, FOLD_MAX);
	b_length = smaller(b_length, FOLD_MAX);
	if (a_length == 0 || b_length == 0)
		return a_length == b_length;
	if (a_length == 1 || b_length == 1)
		return a_length == b_length && a[0] == b[0];
	return crm_jaro_winkler_bytes((const unsigned char *) a, (size_t) a_length, (const unsigned char *) b, (size_t) b_length);
}

double
crm_match_bigram_dice(const char *a, int a_length, const char *b, int b_length)
{
	unsigned char count[1024];
	int			shared = 0;

	if (a_length < 2 || b_length < 2)
		return a_length == b_length && (a_length == 0 || a[0] == b[0]);
	memset(count, 0, sizeof(count));
	for (int i = 0; i + 1 < a_length; i++)
		count[((unsigned char) a[i] * 37u + (unsigned char) a[i + 1]) & 1023]++;
	for (int i = 0; i + 1 < b_length; i++)
	{
		unsigned char *left = &count[((unsigned char) b[i] * 37u + (unsigned char) b[i + 1]) & 1023];

		shared += *left > 0;
		*left -= *left > 0;
	}
	return 2.0 * shared / (a_length + b_length - 2);
}

uint64_t
crm_match_letter_bag(const char *text, int length)
{
	uint64_t	sum = 0;

	for (int i = 0; i < length; i++)
		sum += crm_match_stir((unsigned char) text[i] + UINT64_C(0x51ed));
	return crm_match_stir(sum + (uint64_t) length);
}

uint64_t
crm_match_sound(const char *text, int length)
{
	static const char class_of[] = "0123012*02245501262301*202";
	char		code[12];
	int			written = 0;
	char		last = 0;

	for (int i = 0; i < length && written < 6; i++)
	{
		char		c = text[i];
		char		class = c >= 'a' && c <= 'z' ? class_of[c - 'a'] : c;

		if (written == 0)
			code[written++] = class == '*' || class == '0' ? c : class;
		else if (class != '0' && class != '*' && class != last)
			code[written++] = class;
		if (class != '*')
			last = class;
	}
	return crm_match_digest(code, (size_t) written);
}
