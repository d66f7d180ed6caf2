/*
 * ident_latin_core.c: addresses of China written in Latin letters, the smallest
 * place first: "No. 87 Suzhou Road, Gangbei District, Guigang City, Guangxi".
 */
#include "ident_division_core.h"

/* A spelling in the pool and the division that it may mean. */
typedef struct LatinName
{
	uint32_t	key;
	int32_t		code;
} LatinName;

#include "latin_table.inc"

#define LATIN_NAMES ((int) (sizeof(latin_name) / sizeof(latin_name[0])))
#define PART_MAX 12
#define KEY_MAX 48

/* One part of the text between commas, as a key of the table. */
typedef struct LatinPart
{
	char		key[KEY_MAX];
	const char *kind;			/* pinyin of what "County", "City" says, or NULL */
	size_t		start;
	size_t		end;
} LatinPart;

/* The best reading found so far. */
typedef struct LatinSearch
{
	const LatinPart *parts;
	int			count;
	int			best_matched;
	int			best_first;		/* the first part that is part of the reading */
	int			code_count;
	int32_t		codes[32];
} LatinSearch;

/* Words that say what a place is, and the last syllable of its Chinese name. */
static const struct
{
	const char *word;
	const char *kind;
}			kind_words[] =
{
	{"autonomousprefecture", "zhou"}, {"autonomouscounty", "xian"}, {"autonomousregion", "qu"},
	{"specialadministrativeregion", "qu"}, {"municipality", "shi"}, {"prefecture", ""}, {"province", "sheng"},
	{"district", "qu"}, {"county", "xian"}, {"banner", "qi"}, {"league", "meng"}, {"region", "qu"},
	{"newarea", "qu"}, {"city", "shi"},
};

/* The same in pinyin, as a translated form may carry it. */
static const char *const pinyin_kind[] = {
	"zizhizhou", "zizhixian", "zizhiqu", "diqu", "xinqu", "sheng", "xian", "meng", "zhou", "shi", "qu", "qi", NULL
};

static const char *
latin_key(int place)
{
	return latin_pool + latin_name[place].key;
}

/* The first place in the table that is not below the key. */
static int
latin_place(const char *key)
{
	int			low = 0;
	int			high = LATIN_NAMES;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (strcmp(latin_key(middle), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
ends_with(const char *text, size_t length, const char *word, size_t *rest)
{
	size_t		bytes = strlen(word);

	if (bytes == 0 || length <= bytes || memcmp(text + length - bytes, word, bytes) != 0)
		return false;
	*rest = length - bytes;
	return true;
}

/* Letters of a part in small, ü as u; 0 when it is too long for any place. */
static size_t
fold_latin(const char *text, size_t length, char *key)
{
	size_t		used = 0;

	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		i += bytes;
		if (point == 0xFC || point == 0xDC || point == 'v' || point == 'V')
			point = 'u';
		if (point >= 'A' && point <= 'Z')
			point += 'a' - 'A';
		if (point == 'u' && used >= 2 && key[used - 1] == 'y' && (key[used - 2] == 'l' || key[used - 2] == 'n'))
			used--;
		if (point >= 'a' && point <= 'z')
		{
			if (used == KEY_MAX - 6)
				return 0;
			key[used++] = (char) point;
		}
	}
	key[used] = '\0';
	return used;
}

/* Read one part: its key without the word for its kind. */
static bool
read_part(const char *text, size_t start, size_t end, LatinPart *part)
{
	size_t		length = fold_latin(text + start, end - start, part->key);

	part->start = start;
	part->end = end;
	part->kind = NULL;
	if (length == 0)
		return false;
	for (size_t i = 0; i < sizeof(kind_words) / sizeof(kind_words[0]); i++)
	{
		size_t		rest;

		if (ends_with(part->key, length, kind_words[i].word, &rest))
		{
			part->key[rest] = '\0';
			part->kind = kind_words[i].kind;
			break;
		}
	}
	return true;
}

static bool
is_country(const LatinPart *part)
{
	return strcmp(part->key, "china") == 0 || strcmp(part->key, "prchina") == 0 ||
		strcmp(part->key, "prc") == 0 || strcmp(part->key, "peoplesrepublicofchina") == 0;
}

static int
split_parts(const char *text, size_t length, LatinPart *parts)
{
	size_t		start = 0;
	int			count = 0;

	for (size_t i = 0; i <= length; i++)
	{
		if (i < length && text[i] != ',' && text[i] != ';')
			continue;
		if (count < PART_MAX && read_part(text, start, i, &parts[count]) && !is_country(&parts[count]))
			count++;
		start = i + 1;
	}
	return count;
}

/* Whether code lies below the division above; 0 is the whole country. */
static bool
lies_below(int32_t code, int32_t above)
{
	if (above == 0)
		return true;
	if (code == above)
		return false;
	return above % 10000 == 0 ? code / 10000 == above / 10000 :
		above % 100 == 0 && code / 100 == above / 100;
}

/* Remember a reading; a better one drops the earlier, an equal one joins them. */
static void
remember(LatinSearch *search, int32_t code, int matched, int first)
{
	if (matched > search->best_matched)
	{
		search->best_matched = matched;
		search->best_first = first;
		search->code_count = 0;
	}
	if (matched < search->best_matched || search->code_count == 32)
		return;
	for (int i = 0; i < search->code_count; i++)
	{
		if (search->codes[i] == code)
			return;
	}
	search->codes[search->code_count++] = code;
}

static void explore_part(LatinSearch *search, int at, int32_t above, int matched);

/* Try all divisions that a key may mean as the next level down. */
static void
explore_key(LatinSearch *search, const char *key, int at, int32_t above, int matched)
{
	for (int place = latin_place(key); place < LATIN_NAMES && strcmp(latin_key(place), key) == 0; place++)
	{
		int32_t		code = latin_name[place].code;

		if (!lies_below(code, above))
			continue;
		remember(search, code, matched + 1, at);
		explore_part(search, at - 1, code, matched + 1);
	}
}

/* Go through the parts from the last, the largest place, to the first. */
static void
explore_part(LatinSearch *search, int at, int32_t above, int matched)
{
	const LatinPart *part;
	char		key[KEY_MAX + 8];
	size_t		length;
	size_t		rest;

	if (at < 0 || matched == 3 || search->count - at > 6)
		return;
	part = &search->parts[at];
	length = strlen(part->key);
	memcpy(key, part->key, length + 1);
	explore_key(search, key, at, above, matched);
	/* "Xian County" is 献县 as a whole. */
	if (part->kind != NULL)
	{
		memcpy(key + length, part->kind, strlen(part->kind) + 1);
		explore_key(search, key, at, above, matched);
		key[length] = '\0';
	}
	for (int i = 0; pinyin_kind[i] != NULL; i++)
	{
		if (!ends_with(key, length, pinyin_kind[i], &rest))
			continue;
		key[rest] = '\0';
		explore_key(search, key, at, above, matched);
		break;
	}
	/* The part may say nothing, as a postcode or a building does. */
	explore_part(search, at - 1, above, matched);
}

/*
 * Read an address without Han characters; the number of divisions that fit best,
 * and how many bytes at the front are left over for the detail.
 */
int
crm_latin_address(const char *text, size_t length, int32_t *codes, size_t *detail)
{
	LatinPart	parts[PART_MAX];
	LatinSearch search;

	search.parts = parts;
	search.count = split_parts(text, length, parts);
	search.best_matched = search.best_first = search.code_count = 0;
	explore_part(&search, search.count - 1, 0, 0);
	memcpy(codes, search.codes, sizeof(int32_t) * (size_t) search.code_count);
	*detail = search.code_count == 0 ? length : parts[search.best_first].start;
	return search.code_count;
}
