/*
 * match_cn_name_core.c: comparison kind cn_name, names of persons as Chinese records
 * have them: in characters of either script, in pinyin in either order, with a
 * title in place of the given name, with a character misheard, misread or left out.
 */
#include "ident/ident_core.h"
#include "match_cn_core.h"
#include "match_pinyin_core.h"
#include "match_text_core.h"

#define NAME_POINTS 24			/* Han characters that are compared */
#define NAME_LETTERS 63			/* Latin letters and spaces that are compared */
#define WILDCARD '*'
#define LETTERS_MAX (NAME_POINTS * CRM_SYLLABLE_MAX)

typedef enum NameLevel
{
	NAME_MISSING,
	NAME_EXACT,
	NAME_HOMOPHONE,
	NAME_PINYIN,
	NAME_SIMILAR,
	NAME_PART,
	NAME_ONE_DIFFERS,
	NAME_TITLE,
	NAME_SURNAME,
	NAME_DIFFERENT
} NameLevel;

static const char *const name_level[] = {
	"missing", "exact", "homophone", "pinyin", "similar", "part", "one_differs",
	"title", "surname", "different", NULL
};

typedef enum NameFamily
{
	FAMILY_FULL,
	FAMILY_PINYIN,
	FAMILY_LETTERS,
	FAMILY_INITIALS,
	FAMILY_GIVEN,
	FAMILY_PART
} NameFamily;

static const char *const name_family[] = {
	"full", "pinyin", "letters", "initials", "given", "part", NULL
};

/*
 * The prepared value.  Behind the head stand, for Han, count pairs of character and
 * syllable; for Latin, count letters and spaces.
 */
typedef struct NameHead
{
	uint64_t	full;			/* the folded name */
	uint64_t	sound;			/* its letters, surname first; of Latin, as they stand */
	uint64_t	turned;			/* its letters, given name first; 0 for Latin */
	uint64_t	letters;		/* its softened letters in no order */
	uint8_t		count;
	uint8_t		surname;		/* characters of the surname, 0 when there is none */
	bool		han;
	bool		bare;			/* a surname with a title or a mask: no given name */
	bool		masked;			/* some characters are not shown */
} NameHead;

typedef struct NamePoint
{
	uint32_t	point;
	uint16_t	syllable;
	uint16_t	soft;
	uint16_t	second;			/* another reading, 0 when there is none */
} NamePoint;

typedef struct Name
{
	NameHead	head;
	NamePoint	point[NAME_POINTS];
	char		letter[NAME_LETTERS + 1];
} Name;

/* Folding */

/* Titles that follow a surname or a name, the longer ones first. */
static const char *const title_word[] = {
	"总经理", "董事长", "工程师", "先生", "女士", "小姐", "太太", "夫人", "老师", "经理", "总监", "董事", "主任", "医生",
	"大夫", "护士", "教授", "律师", "师傅", "同志", "老板", "阿姨", "叔叔", "书记", "处长", "科长", "局长", "院长",
	"校长", "部长", "厂长", "店长", "队长", "会计", "博士", "同学", "助理", "秘书", "主管", "专员", "顾问", "法人",
	"本人", "老爷", "大哥", "大姐", "总", "董", "某", "哥", "姐", NULL
};

/* Latin titles, folded, as words of their own. */
static const char *const latin_title[] = {"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "mx", NULL};

/* What stands for a character that is not shown. */
static bool
is_mask(uint32_t point)
{
	return point == '*' || point == 0xD7 || point == 0x25CB || point == 0x25A1 || point == '?' || point == 0x3007;
}

static bool
is_letter(uint32_t point)
{
	return (point >= 'a' && point <= 'z') || (point >= 0xC0 && point < 0x2000) || (point > 0x3040 && point < 0xFE00) ||
		point > 0xFFFF;
}

static int
bracket(uint32_t point)
{
	if (point == '(' || point == '[' || point == 0x3010 || point == '<' || point == 0x3014)
		return 1;
	return point == ')' || point == ']' || point == 0x3011 || point == '>' || point == 0x3015 ? -1 : 0;
}

/*
 * Folded characters without brackets and what stands in them, with one space for
 * everything that parts words; their number.  Decoding stops at the first byte that
 * is no UTF-8.
 */
static size_t
fold_points(const char *text, size_t length, uint32_t *out, size_t room)
{
	size_t		used = 0;
	bool		inside = false;

	for (size_t i = 0; i < length && used < room;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (bytes == 0)
			break;
		i += bytes;
		point = crm_match_fold(point);
		if (bracket(point) != 0 && used > 0)
			inside = bracket(point) > 0;
		else if (!inside && point != 0 && point != '\'' && point != 0x2019)
		{
			if (is_mask(point) && used > 0)
				out[used++] = WILDCARD;
			else if (is_letter(point))
				out[used++] = point;
			else if (used > 0 && out[used - 1] != ' ')
				out[used++] = ' ';
		}
	}
	while (used > 0 && out[used - 1] == ' ')
		used--;
	return used;
}

/* The characters of a name in Han, without the spaces; their number. */
static size_t
only_han(const uint32_t *from, size_t count, uint32_t *out)
{
	size_t		used = 0;

	for (size_t i = 0; i < count; i++)
	{
		if (from[i] == WILDCARD || crm_is_han(from[i]) || (from[i] > 0x3040 && from[i] < 0x3100))
			out[used++] = from[i];
	}
	return used;
}

/* The title that the text ends with: its bytes, 0 for none. */
static size_t
title_bytes(const char *text, size_t length)
{
	for (const char *const *word = title_word; *word != NULL; word++)
	{
		size_t		bytes = strlen(*word);

		if (bytes <= length && memcmp(text + length - bytes, *word, bytes) == 0)
			return bytes;
	}
	return 0;
}

/*
 * Characters of the title at the end of a name, 0 for none.  One character may be a
 * name's own, but for 总, unless it stands behind a surname alone.
 */
static size_t
title_points(const uint32_t *points, size_t count)
{
	char		text[16];
	size_t		used = 0;
	size_t		length;

	for (size_t i = count > 3 ? count - 3 : 0; i < count; i++)
		used += crm_utf8_encode(points[i], text + used);
	length = title_bytes(text, used) / 3;
	if (length == 1 && count > 2 && points[count - 1] != 0x603B)
		return 0;
	return length < count ? length : 0;
}

/*
 * Take titles off the end, "徐总", "李静女士", and 小 or 老 off the front of a
 * surname, "小王"; whether only a surname is left.
 */
static bool
strip_titles(uint32_t *points, size_t *count)
{
	size_t		length;
	bool		title = false;

	while ((length = title_points(points, *count)) > 0)
	{
		*count -= length;
		title = true;
	}
	if (*count == 2 && !title && (points[0] == 0x5C0F || points[0] == 0x8001))
	{
		points[0] = points[1];
		*count = 1;
	}
	return *count == 1;
}

/* Characters of the surname at the front of a name in Han. */
static size_t
surname_points(const uint32_t *points, size_t count)
{
	char		text[4 * NAME_POINTS];
	size_t		used = 0;
	size_t		bytes;

	for (size_t i = 0; i < count && i < 4; i++)
		used += crm_utf8_encode(points[i], text + used);
	bytes = crm_person_surname_length(text, used);
	return bytes == 0 ? 0 : bytes > crm_utf8_encode(points[0], text) ? 2 : 1;
}

/* Preparing: Han */

static void
name_syllables(const uint32_t *points, size_t count, Name *name)
{
	int			first;
	int			last;

	/* All bytes: prepared values are stored, compared and counted as bytes. */
	memset(name->point, 0, count * sizeof(NamePoint));
	for (size_t i = 0; i < count; i++)
	{
		name->point[i].point = points[i];
		name->point[i].syllable = (uint16_t) crm_pinyin(points[i]);
	}
	if (name->head.surname == 1)
		name->point[0].syllable = (uint16_t) crm_pinyin_surname(points[0]);
	else if (name->head.surname == 2)
	{
		crm_pinyin_compound(points[0], points[1], &first, &last);
		name->point[0].syllable = (uint16_t) first;
		name->point[1].syllable = (uint16_t) last;
	}
	for (size_t i = 0; i < count; i++)
	{
		name->point[i].soft = (uint16_t) crm_pinyin_soft(name->point[i].syllable);
		name->point[i].second = (uint16_t) crm_pinyin_second(points[i]);
	}
}

/* ü after l and n is u to those who cannot type it: lv, lyu and lu are one. */
static size_t
plain_letters(char *letters, size_t length)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; i++)
	{
		bool		after = used > 0 && (letters[used - 1] == 'l' || letters[used - 1] == 'n');

		if (after && letters[i] == 'y' && i + 1 < length && letters[i + 1] == 'u')
			continue;
		letters[used++] = after && letters[i] == 'v' ? 'u' : letters[i];
	}
	return used;
}

/* The letters of characters from one place to another. */
static size_t
append_letters(const NamePoint *points, size_t from, size_t to, char *out)
{
	size_t		used = 0;

	for (size_t i = from; i < to; i++)
	{
		const char *letters = crm_pinyin_letters(points[i].syllable);

		for (; *letters != '\0'; letters++)
			out[used++] = *letters;
	}
	return used;
}

/* A hash of letters that does not depend on their order. */
static uint64_t
hash_unordered(const char *letters, size_t length)
{
	uint64_t	sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += crm_match_mix((uint64_t) (unsigned char) letters[i] + 1);
	return crm_match_mix(sum) | 1;
}

static void
hash_sounds(Name *name)
{
	char		letters[LETTERS_MAX];
	size_t		used = append_letters(name->point, 0, name->head.count, letters);

	used = plain_letters(letters, used);
	name->head.sound = crm_match_hash(letters, used, 0);
	used = append_letters(name->point, name->head.surname, name->head.count, letters);
	used += append_letters(name->point, 0, name->head.surname, letters + used);
	used = plain_letters(letters, used);
	name->head.turned = crm_match_hash(letters, used, 0);
	used = crm_pinyin_soften(letters, used);
	name->head.letters = hash_unordered(letters, used);
}

static size_t
prepare_han(const uint32_t *points, size_t count, bool bare, Name *name)
{
	name->head.full = crm_match_hash(points, count * sizeof(uint32_t), 0);
	if (count > NAME_POINTS)
		count = NAME_POINTS;
	name->head.han = true;
	name->head.count = (uint8_t) count;
	name->head.surname = (uint8_t) surname_points(points, count);
	for (size_t i = 0; i < count; i++)
		name->head.masked |= points[i] == WILDCARD;
	name->head.bare = bare || (name->head.masked && (count < 2 || points[count - 1] == WILDCARD) &&
							   (count < 2 || points[1] == WILDCARD));
	name_syllables(points, count, name);
	hash_sounds(name);
	return sizeof(NameHead) + count * sizeof(NamePoint);
}

/* Preparing: Latin and every other script with words */

static bool
is_latin_title(const uint32_t *word, size_t count)
{
	for (const char *const *title = latin_title; *title != NULL; title++)
	{
		size_t		i = 0;

		while (i < count && (*title)[i] != '\0' && word[i] == (unsigned char) (*title)[i])
			i++;
		if (i == count && (*title)[i] == '\0')
			return true;
	}
	return false;
}

/* Drop the words that are titles; the number of characters left. */
static size_t
strip_latin_titles(uint32_t *points, size_t count)
{
	size_t		used = 0;

	for (size_t i = 0; i < count;)
	{
		size_t		end = i;

		while (end < count && points[end] != ' ')
			end++;
		if (!is_latin_title(points + i, end - i))
		{
			if (used > 0)
				points[used++] = ' ';
			memmove(points + used, points + i, (end - i) * sizeof(uint32_t));
			used += end - i;
		}
		i = end + 1;
	}
	return used;
}

/* Letters and single spaces; a letter that is not Latin becomes a byte that is none. */
static size_t
latin_words(const uint32_t *points, size_t count, char *out)
{
	size_t		used = 0;

	for (; used < count && used < NAME_LETTERS; used++)
		out[used] = points[used] < 0x80 ? (char) points[used] :
			(char) (0x80 | (crm_match_mix(points[used]) & 0x7F));
	out[used] = '\0';
	return used;
}

static size_t
without_spaces(const char *from, size_t length, char *out)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (from[i] != ' ')
			out[used++] = from[i];
	}
	out[used] = '\0';
	return used;
}

static size_t
prepare_latin(const uint32_t *points, size_t count, Name *name)
{
	char		letters[NAME_LETTERS + 1];
	size_t		used = latin_words(points, count, name->letter);

	name->head.count = (uint8_t) used;
	name->head.full = crm_match_hash(name->letter, used, 1);
	used = without_spaces(name->letter, used, letters);
	used = plain_letters(letters, used);
	name->head.sound = crm_match_hash(letters, used, 0);
	used = crm_pinyin_soften(letters, used);
	name->head.letters = hash_unordered(letters, used);
	return used == 0 ? 0 : sizeof(NameHead) + name->head.count;
}

/* A name that has two Han characters or more is Chinese, whatever else it says. */
static size_t
fold_name(const char *text, size_t length, uint32_t *points, bool *han, bool *bare)
{
	uint32_t	folded[CRM_MATCH_VALUE_MAX / 4];
	size_t		count = fold_points(text, length, folded, CRM_MATCH_VALUE_MAX / 4);
	size_t		used = only_han(folded, count, points);

	*bare = false;
	*han = used > 0 && (used > 1 || used == count) && points[0] != WILDCARD;
	if (*han)
		*bare = strip_titles(points, &used);
	else
	{
		used = strip_latin_titles(folded, count);
		memcpy(points, folded, used * sizeof(uint32_t));
	}
	return used;
}

static size_t
name_prepare(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	uint32_t	points[CRM_MATCH_VALUE_MAX / 4];
	Name		name;
	bool		han;
	bool		bare;
	size_t		count = fold_name(text, length, points, &han, &bare);
	size_t		bytes;

	(void) arg;
	memset(&name.head, 0, sizeof(name.head));
	if (count == 0)
		return 0;
	bytes = han ? prepare_han(points, count, bare, &name) : prepare_latin(points, count, &name);
	if (bytes == 0 || bytes > room)
		return 0;
	memcpy(out, &name.head, sizeof(NameHead));
	if (han)
		memcpy(out + sizeof(NameHead), name.point, bytes - sizeof(NameHead));
	else
		memcpy(out + sizeof(NameHead), name.letter, bytes - sizeof(NameHead));
	return bytes;
}

/* Comparing: two names in Han */

/* How one character stands to another, the less the nearer. */
typedef enum Nearness
{
	NEAR_SAME,
	NEAR_SOUND,
	NEAR_SIMILAR,
	NEAR_NOT
} Nearness;

/* By sound alone: what shape has to say is dearer, and asked for last. */
static Nearness
nearness(const NamePoint *a, const NamePoint *b)
{
	if (a->point == b->point || a->point == WILDCARD || b->point == WILDCARD)
		return NEAR_SAME;
	if (a->syllable == 0 || b->syllable == 0)
		return NEAR_NOT;
	if (a->syllable == b->syllable || a->second == b->syllable || b->second == a->syllable)
		return NEAR_SOUND;
	return a->soft == b->soft ? NEAR_SIMILAR : NEAR_NOT;
}

static bool
same_surname(const NameHead *a, const NamePoint *x, const NameHead *b, const NamePoint *y)
{
	if (a->surname == 0 || a->surname != b->surname)
		return false;
	for (int i = 0; i < a->surname; i++)
	{
		if (nearness(&x[i], &y[i]) > NEAR_SOUND)
			return false;
	}
	return true;
}

/* Names of one length: the worst of their characters decides, if one alone is bad. */
static NameLevel
compare_equal_length(const NameHead *a, const NamePoint *x, const NameHead *b, const NamePoint *y)
{
	int			found[4] = {0, 0, 0, 0};
	int			bad = -1;
	int			count = a->count;

	for (int i = 0; i < count && found[NEAR_NOT] <= 2; i++)
	{
		Nearness	here = nearness(&x[i], &y[i]);

		if (here == NEAR_NOT && found[NEAR_NOT] < 2 && crm_look_alike(x[i].point, y[i].point))
			here = NEAR_SIMILAR;
		found[here]++;
		if (here == NEAR_NOT)
			bad = i;
	}
	if (found[NEAR_NOT] == 0 && found[NEAR_SIMILAR] == 0)
		return found[NEAR_SOUND] == 0 && !a->masked && !b->masked ? NAME_EXACT : NAME_HOMOPHONE;
	if (found[NEAR_NOT] == 0 && (found[NEAR_SIMILAR] == 1 || found[NEAR_SAME] + found[NEAR_SOUND] > 0))
		return NAME_SIMILAR;
	if (found[NEAR_NOT] == 2 && found[NEAR_SAME] == count - 2 && bad > 0 &&
		x[bad].point == y[bad - 1].point && x[bad - 1].point == y[bad].point)
		return NAME_PART;
	if (found[NEAR_NOT] == 1 && count > 2 && found[NEAR_SAME] + found[NEAR_SOUND] == count - 1)
		return NAME_ONE_DIFFERS;
	return NAME_DIFFERENT;
}

/* Whether the short name is the long one with some characters left out. */
static bool
is_part(const NamePoint *shorter, int short_count, const NamePoint *longer, int long_count)
{
	int			at = 0;

	for (int i = 0; i < long_count && at < short_count; i++)
		at += nearness(&shorter[at], &longer[i]) <= NEAR_SOUND;
	return at == short_count;
}

static NameLevel
compare_han(const NameHead *a, const NamePoint *x, const NameHead *b, const NamePoint *y)
{
	NameLevel	level = NAME_DIFFERENT;
	bool		same;

	if (a->full == b->full && !a->bare && !a->masked)
		return NAME_EXACT;
	same = same_surname(a, x, b, y);
	if (a->bare || b->bare)
		return x[0].point == y[0].point || crm_look_alike(x[0].point, y[0].point) ? NAME_TITLE : NAME_DIFFERENT;
	if (a->count == b->count)
		level = compare_equal_length(a, x, b, y);
	else if (a->count > 1 && b->count > 1 && (same || a->count + b->count > 4) &&
			 (a->count < b->count ? is_part(x, a->count, y, b->count) : is_part(y, b->count, x, a->count)))
		level = NAME_PART;
	if ((a->masked || b->masked) && level < NAME_PART)
		level = NAME_PART;
	return level == NAME_DIFFERENT && same ? NAME_SURNAME : level;
}

/* Comparing: Han with Latin */

/* Letters of a syllable at the front of the text, else 0; ü is written yu, v or u. */
static size_t
syllable_at(const char *text, size_t length, int syllable)
{
	const char *letters = crm_pinyin_letters(syllable);
	size_t		used = strlen(letters);

	if (syllable == 0)
		return 0;
	if (used <= length && memcmp(text, letters, used) == 0)
		return used;
	return used == 3 && length > 1 && letters[1] == 'y' && letters[2] == 'u' && text[0] == letters[0] &&
		(text[1] == 'v' || text[1] == 'u') ? 2 : 0;
}

/* Letters of any reading of a character at the front of the text, else 0. */
static size_t
reading_at(const char *text, size_t length, const NamePoint *point)
{
	size_t		used = syllable_at(text, length, point->syllable);

	if (used == 0)
		used = syllable_at(text, length, point->second);
	if (used == 0)
		used = syllable_at(text, length, crm_pinyin(point->point));
	return used;
}

/* Letters of the characters in order at the front of the text, 0 if they do not stand there. */
static size_t
readings_at(const char *text, size_t length, const NamePoint *points, int count)
{
	size_t		used = 0;

	for (int i = 0; i < count; i++)
	{
		size_t		here = reading_at(text + used, length - used, &points[i]);

		if (here == 0)
			return 0;
		used += here;
	}
	return used;
}

/* Whether the text is an initial each, or the reading of one, of the given characters. */
static bool
is_short_given(const char *text, size_t length, const NamePoint *given, int count)
{
	bool		initials = (int) length == count;

	for (int i = 0; i < count; i++)
	{
		if (readings_at(text, length, &given[i], 1) == length)
			return true;
		initials = initials && given[i].syllable != 0 && crm_pinyin_letters(given[i].syllable)[0] == text[i];
	}
	return initials;
}

/* Whether the letters hold the given characters and one more syllable on either side. */
static bool
has_given(const char *text, size_t length, const NamePoint *given, int count)
{
	size_t		front = readings_at(text, length, given, count);

	if (count > 0 && front > 0 && length - front <= 6)
		return true;
	for (size_t start = 1; count > 0 && start <= 6 && start < length; start++)
	{
		if (readings_at(text + start, length - start, given, count) == length - start)
			return true;
	}
	return false;
}

/* The given name is what is left of the letters beside the surname, on either side. */
static NameLevel
compare_given(const char *text, size_t length, const NamePoint *given, int count)
{
	if (length == 0)
		return NAME_TITLE;
	if (readings_at(text, length, given, count) == length)
		return NAME_PINYIN;
	if (is_short_given(text, length, given, count) || has_given(text, length, given, count))
		return NAME_PART;
	return NAME_SURNAME;
}

static NameLevel
compare_mixed(const NameHead *a, const NamePoint *x, const NameHead *b, const char *letters)
{
	char		text[NAME_LETTERS + 1];
	size_t		length;
	size_t		surname;
	NameLevel	level = NAME_DIFFERENT;
	int			given = a->count - a->surname;

	if (!a->bare && (a->sound == b->sound || a->turned == b->sound))
		return NAME_PINYIN;
	if (!a->bare && !a->masked && a->letters == b->letters)
		return NAME_SIMILAR;
	length = without_spaces(letters, b->count, text);
	surname = readings_at(text, length, x, a->surname);
	if (surname > 0)
		level = compare_given(text + surname, length - surname, x + a->surname, given);
	/* The surname may stand last: try what remains before it. */
	for (size_t start = length > 8 * (size_t) a->surname ? length - 8 * a->surname : 0;
		 start < length && level > NAME_PART && a->surname > 0; start++)
	{
		if (readings_at(text + start, length - start, x, a->surname) == length - start)
		{
			NameLevel	other = compare_given(text, start, x + a->surname, given);

			level = other < level ? other : level;
		}
	}
	return a->bare && level < NAME_DIFFERENT ? NAME_TITLE : level;
}

/* Comparing: Latin with Latin */

/* Whether they have a word of two letters or more in common. */
static bool
shares_word(const char *a, size_t a_length, const char *b, size_t b_length)
{
	for (size_t i = 0; i < a_length; i++)
	{
		size_t		end = i;

		while (end < a_length && a[end] != ' ')
			end++;
		for (size_t j = 0; j + (end - i) <= b_length && end - i > 1; j++)
		{
			if ((j == 0 || b[j - 1] == ' ') && (j + end - i == b_length || b[j + end - i] == ' ') &&
				memcmp(a + i, b + j, end - i) == 0)
				return true;
		}
		i = end;
	}
	return false;
}

static NameLevel
compare_latin(const NameHead *a, const char *x, const NameHead *b, const char *y)
{
	double		similarity;

	if (a->full == b->full)
		return NAME_EXACT;
	if (a->sound == b->sound)
		return NAME_HOMOPHONE;
	if (a->letters == b->letters)
		return NAME_PINYIN;
	similarity = crm_jaro_winkler_bytes((const unsigned char *) x, a->count, (const unsigned char *) y, b->count);
	if (similarity >= 0.94)
		return NAME_SIMILAR;
	if (similarity >= 0.88)
		return NAME_PART;
	return shares_word(x, a->count, y, b->count) ? NAME_SURNAME : NAME_DIFFERENT;
}

static int
name_compare(const CrmMatchArg *arg, const unsigned char *a, size_t a_length,
			 const unsigned char *b, size_t b_length)
{
	Name		x;
	Name		y;

	(void) arg;
	memcpy(&x.head, a, sizeof(NameHead));
	memcpy(&y.head, b, sizeof(NameHead));
	a += sizeof(NameHead);
	b += sizeof(NameHead);
	if (x.head.full == y.head.full && !x.head.bare && !x.head.masked)
		return NAME_EXACT;
	if (x.head.han)
		memcpy(x.point, a, a_length - sizeof(NameHead));
	if (y.head.han)
		memcpy(y.point, b, b_length - sizeof(NameHead));
	if (x.head.han && y.head.han)
		return compare_han(&x.head, x.point, &y.head, y.point);
	if (x.head.han)
		return compare_mixed(&x.head, x.point, &y.head, (const char *) b);
	if (y.head.han)
		return compare_mixed(&y.head, y.point, &x.head, (const char *) a);
	return compare_latin(&x.head, (const char *) a, &y.head, (const char *) b);
}

/* Terms and keys */

static uint64_t
surname_hash(const Name *name)
{
	uint64_t	hash = 7;

	for (int i = 0; i < name->head.surname; i++)
		hash = crm_match_mix(hash + name->point[i].syllable);
	return hash;
}

static void
name_load(const unsigned char *value, size_t length, Name *name)
{
	memcpy(&name->head, value, sizeof(NameHead));
	if (name->head.han)
		memcpy(name->point, value + sizeof(NameHead), length - sizeof(NameHead));
	else
		memcpy(name->letter, value + sizeof(NameHead), length - sizeof(NameHead));
}

/* Frequency counts on the name where it is the same, on the surname where that alone is. */
static uint64_t
name_term(const unsigned char *value, size_t length, int level)
{
	Name		name;

	name_load(value, length, &name);
	if (level == NAME_EXACT)
		return name.head.full;
	if (level == NAME_HOMOPHONE || level == NAME_PINYIN)
		return name.head.sound;
	return (level == NAME_TITLE || level == NAME_SURNAME) && name.head.han ? surname_hash(&name) : 0;
}

/* Surname by sound and the first letters of the given characters. */
static uint64_t
initials_hash(const Name *name)
{
	uint64_t	hash = surname_hash(name);

	for (int i = name->head.surname; i < name->head.count; i++)
		hash = crm_match_mix(hash + (unsigned char) crm_pinyin_letters(name->point[i].syllable)[0]);
	return hash;
}

static int
name_keys(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	Name		name;
	int			used = 0;

	name_load(value, length, &name);
	if (name.head.bare || name.head.masked)
		return 0;
	used = crm_match_cn_key(key, used, room, FAMILY_FULL, name.head.full);
	used = crm_match_cn_key(key, used, room, FAMILY_PINYIN, name.head.sound);
	used = crm_match_cn_key(key, used, room, FAMILY_LETTERS, name.head.letters);
	if (!name.head.han || name.head.surname == 0 || name.head.surname == name.head.count)
		return used;
	used = crm_match_cn_key(key, used, room, FAMILY_INITIALS, initials_hash(&name));
	if (name.head.count - name.head.surname > 1)
	{
		uint64_t	given = 11;

		for (int i = name.head.surname; i < name.head.count; i++)
			given = crm_match_mix(given + name.point[i].point);
		used = crm_match_cn_key(key, used, room, FAMILY_GIVEN, given);
	}
	/* A name with one character left out meets the whole one here. */
	for (int i = name.head.surname; i < name.head.count && i < name.head.surname + 3; i++)
		used = crm_match_cn_key(key, used, room, FAMILY_PART, surname_hash(&name) + name.point[i].point);
	return used;
}

/* The folded name as SQL shows it: no title, no space between Han, Latin in lower case. */
size_t
crm_fold_name(const char *text, size_t length, char *out, size_t room)
{
	uint32_t	points[CRM_MATCH_VALUE_MAX / 4];
	bool		han;
	bool		bare;
	size_t		count = fold_name(text, length, points, &han, &bare);
	size_t		used = 0;

	for (size_t i = 0; i < count && used + 4 <= room; i++)
		used += crm_utf8_encode(points[i], out + used);
	return used;
}

const CrmMatchKind crm_match_cn_name = {
	"cn_name", name_level, name_family, name_prepare, name_compare, name_term, name_keys
};
