/*
 * make: write src/match/match_pinyin_table.inc from ICU's transliteration, the table
 * of simplified characters that room ident has, and the two lists beside this file.
 *
 * ICU is needed here alone; the extension reads the table that is committed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

#include "ident/ident_core.h"
#include "match/match_pinyin_core.h"

#define FIRST 0x3400
#define LAST 0x9FFF
#define FAR_FIRST 0x2A700		/* extensions C to E: they hold characters for names */
#define FAR_LAST 0x2CEAF
#define SYLLABLES 1024
#define PAIRS 8192
#define LENGTH 16

typedef char Syllable[LENGTH];

typedef struct Pair
{
	uint32_t	from;
	uint32_t	to;
} Pair;

typedef struct List
{
	const char *name;
	const char *type;
	int			count;
	Pair		pair[PAIRS];
} List;

static Syllable syllable[SYLLABLES];
static int	syllables = 1;		/* 0 is no syllable */
static Syllable reading[LAST + 1 - FIRST];
static Syllable surname[LAST + 1 - FIRST];

typedef struct Word
{
	uint32_t	point[2];
	Syllable	sound[2];
} Word;

static Word word[256];
static int	words;
static Syllable second[LAST + 1 - FIRST];
static List far_reading = {"pinyin_far", "uint32_t", 0, {{0}}};
static Syllable far_sound[FAR_LAST + 1 - FAR_FIRST];
static List surname_reading = {"pinyin_surname", "uint16_t", 0, {{0}}};
static List second_reading = {"pinyin_second", "uint16_t", 0, {{0}}};
static List variant = {"han_variant", "uint16_t", 0, {{0}}};
static List lookalike = {"han_lookalike", "uint16_t", 0, {{0}}};

static UTransliterator *
transliterator(const char *name)
{
	UErrorCode	error = U_ZERO_ERROR;
	UChar		id[64];
	UTransliterator *found;

	u_uastrcpy(id, name);
	found = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &error);
	if (U_FAILURE(error))
	{
		fprintf(stderr, "make: %s: %s\n", name, u_errorName(error));
		exit(1);
	}
	return found;
}

/* Letters without tones; the diaeresis counts: nü is written nyu, as passports do. */
static bool
plain_letters(const UChar *text, int length, char *out)
{
	UErrorCode	error = U_ZERO_ERROR;
	UChar		buffer[64];
	int			count = unorm2_normalize(unorm2_getNFDInstance(&error), text, length, buffer, 64, &error);
	int			used = 0;

	for (int i = 0; i < count && used < LENGTH - 3; i++)
	{
		if (buffer[i] >= 'a' && buffer[i] <= 'z')
			out[used++] = (char) buffer[i];
		else if (buffer[i] == 0x308 && used > 0)
		{
			out[used - 1] = 'y';
			out[used++] = 'u';
		}
		else if (buffer[i] == ' ')
			out[used++] = ' ';
		else if (buffer[i] < 0x300 || buffer[i] > 0x36F)
			return false;
	}
	while (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
	/* GB/T 28039: lüe and nüe keep one spelling, with the u alone. */
	if (strcmp(out, "lyue") == 0 || strcmp(out, "nyue") == 0)
		memmove(out + 1, out + 2, 3);
	return used > 0;
}

static bool
transliterate(UTransliterator *with, uint32_t point, char *out)
{
	UErrorCode	error = U_ZERO_ERROR;
	UChar		text[64];
	int			length = 0;
	int			limit;

	U16_APPEND_UNSAFE(text, length, point);
	limit = length;
	utrans_transUChars(with, text, &length, 64, 0, &limit, &error);
	return U_SUCCESS(error) && text[0] < 0x3000 && plain_letters(text, length, out);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
by_from(const void *a, const void *b)
{
	const Pair *x = a;
	const Pair *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void
collect(const char *sound)
{
	for (int i = 1; i < syllables; i++)
	{
		if (strcmp(syllable[i], sound) == 0)
			return;
	}
	if (sound[0] != '\0')
		strcpy(syllable[syllables++], sound);
}

static int
number(const char *sound)
{
	const Syllable *found = bsearch(sound, syllable + 1, syllables - 1, sizeof(Syllable), by_text);

	return sound[0] == '\0' ? 0 : (int) (found - syllable);
}

static void
add(List *list, uint32_t from, uint32_t to)
{
	list->pair[list->count].from = from;
	list->pair[list->count++].to = to;
}

static uint32_t
next_point(const char **text)
{
	uint32_t	point = 0;

	*text += crm_utf8_decode(*text, strlen(*text), &point);
	return point;
}

/* What the list of overrides says of a kind. */
static void
override(const char *what, const char *from, const char *to)
{
	uint32_t	point = next_point(&from);
	const char *space = strchr(to, ' ');

	if (strcmp(what, "variant") == 0)
	{
		uint32_t	target = next_point(&to);

		if (crm_fold_chinese(point) != crm_fold_chinese(target))
			add(&variant, point, crm_fold_chinese(target));
	}
	else if (strcmp(what, "second") == 0)
		strcpy(second[point - FIRST], to);
	else if (strcmp(what, "reading") == 0)
		strcpy(reading[point - FIRST], to);
	else if (space == NULL)
		strcpy(surname[point - FIRST], to);
	else
	{
		word[words].point[0] = point;
		word[words].point[1] = next_point(&from);
		snprintf(word[words].sound[0], LENGTH, "%.*s", (int) (space - to), to);
		snprintf(word[words++].sound[1], LENGTH, "%s", space + 1);
	}
}

static FILE *
open_list(const char *path)
{
	FILE	   *in = fopen(path, "r");

	if (in == NULL)
	{
		perror(path);
		exit(1);
	}
	return in;
}

static void
read_overrides(const char *path)
{
	char		line[256];
	FILE	   *in = open_list(path);

	while (fgets(line, sizeof(line), in) != NULL)
	{
		char	   *what = strtok(line, "\t\n");
		char	   *from = strtok(NULL, "\t\n");
		char	   *to = strtok(NULL, "\t\n");

		if (what != NULL && what[0] != '#' && to != NULL)
			override(what, from, to);
	}
	fclose(in);
}

/* Every two of a group are a pair, in both directions, in their simplified forms. */
static void
read_lookalikes(const char *path)
{
	char		line[256];
	FILE	   *in = open_list(path);

	while (fgets(line, sizeof(line), in) != NULL)
	{
		uint32_t	group[64];
		int			count = 0;

		line[strcspn(line, "\n")] = '\0';
		for (const char *at = line; line[0] != '#' && *at != '\0' && count < 64;)
			group[count++] = crm_fold_chinese(next_point(&at));
		for (int i = 0; i < count; i++)
		{
			for (int j = 0; j < count; j++)
			{
				if (group[i] != group[j])
					add(&lookalike, group[i], group[j]);
			}
		}
	}
	fclose(in);
}

/* Compatibility ideographs and what ICU simplifies and the table of ident does not. */
static void
find_variants(void)
{
	UErrorCode	error = U_ZERO_ERROR;
	const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&error);

	for (uint32_t point = 0xF900; point <= 0xFAFF; point++)
	{
		UChar		from = (UChar) point;
		UChar		to[8];
		int			length = unorm2_normalize(nfkc, &from, 1, to, 8, &error);

		if (U_SUCCESS(error) && length == 1 && to[0] != from)
			add(&variant, point, crm_fold_chinese(to[0]));
	}
}

static void
find_readings(void)
{
	UTransliterator *plain = transliterator("Han-Latin");
	UTransliterator *names = transliterator("Han-Latin/Names");

	for (uint32_t point = FIRST; point <= LAST; point++)
	{
		if (!transliterate(plain, point, reading[point - FIRST]))
			reading[point - FIRST][0] = '\0';
		if (!transliterate(names, point, surname[point - FIRST]))
			surname[point - FIRST][0] = '\0';
	}
	for (uint32_t point = FAR_FIRST; point <= FAR_LAST; point++)
	{
		if (!transliterate(plain, point, far_sound[point - FAR_FIRST]))
			far_sound[point - FAR_FIRST][0] = '\0';
	}
}

static void
number_syllables(void)
{
	for (int i = 0; i <= LAST - FIRST; i++)
	{
		collect(reading[i]);
		collect(surname[i]);
		collect(second[i]);
	}
	for (int i = 0; i <= FAR_LAST - FAR_FIRST; i++)
		collect(far_sound[i]);
	for (int i = 0; i < words; i++)
	{
		collect(word[i].sound[0]);
		collect(word[i].sound[1]);
	}
	qsort(syllable + 1, syllables - 1, sizeof(Syllable), by_text);
	for (uint32_t point = FIRST; point <= LAST; point++)
	{
		const char *plain = reading[point - FIRST];

		if (surname[point - FIRST][0] != '\0' && strcmp(plain, surname[point - FIRST]) != 0)
			add(&surname_reading, point, number(surname[point - FIRST]));
		if (second[point - FIRST][0] != '\0' &&
			(strcmp(second[point - FIRST], plain) != 0 || strcmp(plain, surname[point - FIRST]) != 0))
			add(&second_reading, point, number(second[point - FIRST]));
	}
	for (uint32_t point = FAR_FIRST; point <= FAR_LAST; point++)
	{
		if (far_sound[point - FAR_FIRST][0] != '\0')
			add(&far_reading, point, number(far_sound[point - FAR_FIRST]));
	}
}

static void
write_list(List *list)
{
	int			kept = 0;

	qsort(list->pair, list->count, sizeof(Pair), by_from);
	for (int i = 0; i < list->count; i++)
	{
		if (i == 0 || by_from(&list->pair[i], &list->pair[kept - 1]) != 0)
			list->pair[kept++] = list->pair[i];
	}
	printf("\nstatic const %s %s[%d][2] = {", list->type, list->name, kept);
	for (int i = 0; i < kept; i++)
		printf("%s{0x%x,0x%x}", i % 8 ? ", " : i ? ",\n\t" : "\n\t", list->pair[i].from,
			   list->pair[i].to);
	printf("\n};\n");
}

static void
write_syllables(void)
{
	printf("#define PINYIN_FIRST 0x%x\n#define PINYIN_LAST 0x%x\n\n", FIRST, LAST);
	printf("static const char pinyin_syllable[%d][8] = {", syllables);
	for (int i = 0; i < syllables; i++)
		printf("%s\"%s\"", i % 12 ? ", " : i ? ",\n\t" : "\n\t", syllable[i]);
	printf("\n};\n\nstatic const uint16_t pinyin_of[PINYIN_LAST - PINYIN_FIRST + 1] = {");
	for (int i = 0; i <= LAST - FIRST; i++)
		printf("%s%d", i % 24 ? "," : i ? ",\n\t" : "\n\t", number(reading[i]));
	printf("\n};\n");
}

/* The number of the first syllable that sounds the same to a careless ear. */
static void
write_soft(void)
{
	printf("\nstatic const uint16_t pinyin_soft[%d] = {", syllables);
	for (int i = 0; i < syllables; i++)
	{
		char		mine[LENGTH];
		int			first = 0;

		strcpy(mine, syllable[i]);
		mine[crm_pinyin_soften(mine, strlen(mine))] = '\0';
		for (; first < i; first++)
		{
			char		other[LENGTH];

			strcpy(other, syllable[first]);
			other[crm_pinyin_soften(other, strlen(other))] = '\0';
			if (strcmp(mine, other) == 0)
				break;
		}
		printf("%s%d", i % 24 ? "," : i ? ",\n\t" : "\n\t", first);
	}
	printf("\n};\n");
}

/* Latin letters with marks: the letter alone, in lower case. */
static void
write_latin(void)
{
	UErrorCode	error = U_ZERO_ERROR;
	const UNormalizer2 *nfd = unorm2_getNFDInstance(&error);

	printf("\n#define LATIN_FIRST 0xC0\n#define LATIN_LAST 0x24F\n\nstatic const char latin_base[] =");
	for (int point = 0xC0; point <= 0x24F; point++)
	{
		static const UChar stroke[] = {0xC6, 'a', 0xD0, 'd', 0xD8, 'o', 0xDE, 't', 0xDF, 's', 0xE6, 'a', 0xF0, 'd',
		0xF8, 'o', 0xFE, 't', 0x110, 'd', 0x111, 'd', 0x131, 'i', 0x141, 'l', 0x142, 'l', 0x152, 'o', 0x153, 'o', 0};
		UChar		from = (UChar) point;
		UChar		to[8];
		char		base = '?';
		int			length = unorm2_normalize(nfd, &from, 1, to, 8, &error);

		if (length > 0 && to[0] < 0x80)
			base = (char) (to[0] | 0x20);
		for (int i = 0; stroke[i] != 0; i += 2)
		{
			if (stroke[i] == point)
				base = (char) stroke[i + 1];
		}
		if ((point - 0xC0) % 64 == 0)
			printf("\n\t\"");
		printf("%c", base);
		if ((point - 0xC0) % 64 == 63)
			printf("\"");
	}
	printf("\"%s;\n", "");
}

static void
write_words(void)
{
	printf("\n/* Surnames of two characters that are read otherwise than their parts. */\n"
		   "static const uint16_t pinyin_compound[%d][4] = {\n", words);
	for (int i = 0; i < words; i++)
		printf("\t{0x%x,0x%x, %d,%d}%s\n", word[i].point[0], word[i].point[1], number(word[i].sound[0]),
			   number(word[i].sound[1]), i + 1 < words ? "," : "");
	printf("};\n");
}

int
main(int count, char **argument)
{
	if (count != 3)
		return 1;
	find_readings();
	read_overrides(argument[1]);
	read_lookalikes(argument[2]);
	find_variants();
	number_syllables();
	printf("/*\n * match_pinyin_table.inc: generated by tools/make-pinyin; do not edit.\n *\n"
		   " * Readings are from ICU (Unicode licence), through its transliterations Han-Latin\n"
		   " * and Han-Latin/Names; what those lack is in tools/pinyin.\n */\n\n");
	write_syllables();
	write_soft();
	write_latin();
	write_list(&surname_reading);
	write_words();
	write_list(&second_reading);
	write_list(&far_reading);
	write_list(&variant);
	write_list(&lookalike);
	return 0;
}
