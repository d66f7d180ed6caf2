/*
 * match_name_kind_core.c: names of persons in Latin script, whole or in two
 * columns (forename first, then surname), with parts swapped, missing, short,
 * or mistyped.
 */
#include "match_inside_core.h"

#define PART_MAX 24
#define GROUPS 2				/* of short forms that one forename stands in */
#define HEAD (3 + 3 * GROUPS)	/* bytes before the letters: lengths of the three parts, their groups */

/* Forename, surname, and the first of the names between them. */
typedef struct NameParts
{
	const char *text[3];
	int			length[3];
	const unsigned char *group[3];	/* numbers of groups, 0: none */
} NameParts;

enum
{
	GIVEN, SURNAME, MIDDLE
};

enum
{
	LEVEL_EXACT = 1, LEVEL_SWAPPED, LEVEL_GIVEN_FUZZY, LEVEL_SURNAME_FUZZY, LEVEL_BOTH_FUZZY,
	LEVEL_SURNAME_ONLY, LEVEL_GIVEN_ONLY, LEVEL_FUZZY_ONLY, LEVEL_SURNAME, LEVEL_GIVEN, LEVEL_FUZZY_PART, LEVEL_ELSE
};

/* Groups of forenames that stand for each other; a group ends with NULL. */
static const char *const short_form[] = {
	"thomas", "tom", "tommy", NULL, "william", "bill", "billy", "will", "willie", "wm", NULL,
	"robert", "bob", "rob", "bobby", "robbie", "bert", NULL, "richard", "dick", "rick", "ricky", "rich", NULL,
	"james", "jim", "jimmy", "jamie", "jas", NULL, "john", "jack", "johnny", "jon", "jonny", NULL,
	"henry", "harry", "hal", "hank", NULL, "elizabeth", "liz", "beth", "betty", "betsy", "eliza", "lizzie", "bess", "lisa", NULL,
	"catherine", "katherine", "kathryn", "kate", "katie", "kathy", "cathy", "kitty", NULL,
	"edward", "ed", "ned", "ted", "teddy", "eddie", NULL, "margaret", "meg", "maggie", "peggy", "madge", "greta", "rita", NULL,
	"charles", "charlie", "chas", "chuck", NULL, "frederick", "fred", "freddie", "freddy", NULL, "joseph", "joe", "joey", NULL,
	"samuel", "sam", "sammy", NULL, "daniel", "dan", "danny", NULL, "benjamin", "ben", "benny", NULL,
	"alfred", "alf", "alfie", "fred", NULL, "albert", "al", "bert", "bertie", NULL, "michael", "mike", "mick", "mickey", NULL,
	"stephen", "steven", "steve", NULL, "anthony", "tony", "antony", NULL, "andrew", "andy", "drew", NULL, "david", "dave", "davy", NULL,
	"christopher", "chris", "kit", NULL, "patrick", "pat", "paddy", NULL, "mary", "polly", "molly", "mamie", NULL,
	"sarah", "sally", "sadie", "sara", NULL, "helen", "ellen", "nell", "nellie", "eleanor", "nora", NULL, "jane", "jenny", "janet", NULL,
	"peter", "pete", NULL, "laurence", "lawrence", "larry", NULL, "walter", "walt", "wally", NULL, "philip", "phillip", "phil", NULL,
	"matthew", "matt", NULL, "nicholas", "nick", "nicky", NULL, "gregory", "greg", NULL, "geoffrey", "jeffrey", "jeff", "geoff", NULL,
	"archibald", "archie", NULL, "theodore", "theo", "ted", NULL, "arthur", "art", NULL, "francis", "frank", "frankie", NULL,
	"gerald", "gerry", "jerry", NULL, "george", "georgie", NULL, "ann", "anne", "anna", "annie", "nan", "nancy", "hannah", NULL,
	"alexander", "alex", "sandy", "alec", NULL, "susan", "sue", "susie", "susanna", NULL, "dorothy", "dot", "dolly", NULL,
	"martha", "patty", "mattie", NULL, "harriet", "hattie", NULL, "leonard", "len", "lenny", NULL, "ronald", "ron", "ronnie", NULL,
	"donald", "don", NULL, "kenneth", "ken", "kenny", NULL, "augustus", "gus", NULL, "timothy", "tim", NULL, "victoria", "vicky", NULL, NULL
};

static bool
is_word(const char *word, const char *text, int length)
{
	return (int) strlen(word) == length && memcmp(word, text, (size_t) length) == 0;
}

/* The groups that a forename stands in; how many. */
static int
short_groups(const char *text, int length, unsigned char *group)
{
	int			groups = 0;
	unsigned char number = 1;

	for (size_t i = 0; short_form[i] != NULL || short_form[i + 1] != NULL; i++)
	{
		if (short_form[i] == NULL)
			number++;
		else if (groups < GROUPS && short_form[i][0] == text[0] && is_word(short_form[i], text, length))
			group[groups++] = number;
	}
	return groups;
}

bool
crm_match_is_forename(const char *text, int length)
{
	unsigned char group[GROUPS];

	return length > 0 && short_groups(text, length, group) > 0;
}

static bool
short_of(const unsigned char *a, const unsigned char *b)
{
	return (a[0] != 0 && (a[0] == b[0] || a[0] == b[1])) || (a[1] != 0 && (a[1] == b[0] || a[1] == b[1]));
}

/* What stands before or behind a name and is none. */
static bool
is_title(const CrmMatchWord *word)
{
	static const char *const title[] = {
		"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "lady", "lord", "dame", "rev", "hon", "jr", "sr", "ii", "iii",
		"iv", "baron", "baronet", "earl", "duke", "count", "viscount", "marquess", "esq", "esquire", "saint", "st",
		"bart", "captain", "capt", "col", "general", "major", "admiral", "of", NULL
	};

	if (word->text[0] >= '0' && word->text[0] <= '9')
		return true;
	for (int i = 0; title[i] != NULL; i++)
		if ((int) strlen(title[i]) == word->length && memcmp(title[i], word->text, (size_t) word->length) == 0)
			return true;
	return false;
}

static int
name_words(const char *folded, size_t length, CrmMatchWord *word)
{
	CrmMatchWord all[WORD_MAX];
	int			found = crm_match_words(folded, length, all, WORD_MAX);
	int			words = 0;

	for (int i = 0; i < found; i++)
		if (!is_title(&all[i]))
			word[words++] = all[i];
	if (words == 0 && found > 0)
		word[words++] = all[0];
	return words;
}

static size_t
write_parts(const CrmMatchWord *part, unsigned char *out, size_t room)
{
	size_t		written = HEAD;

	if (room < HEAD + 3 * PART_MAX)
		return 0;
	for (int i = 0; i < 3; i++)
	{
		int			length = part[i].length < PART_MAX ? part[i].length : PART_MAX;

		out[i] = (unsigned char) length;
		memset(out + 3 + i * GROUPS, 0, GROUPS);
		if (length > 0)
		{
			memcpy(out + written, part[i].text, (size_t) length);
			(void) short_groups(part[i].text, length, out + 3 + i * GROUPS);
		}
		written += (size_t) length;
	}
	return written == HEAD ? 0 : written;
}

/* "Smith, John" has the surname first; "John Smith, 1st Baron" has not. */
static size_t
surname_first(const char *text, size_t length)
{
	const char *comma = memchr(text, ',', length);
	char		folded[FOLD_MAX];
	CrmMatchWord word[WORD_MAX];
	size_t		at = comma == NULL ? 0 : (size_t) (comma - text);

	if (at == 0 || crm_match_words(folded, crm_match_plain(text, at, folded, sizeof(folded)), word, WORD_MAX) != 1)
		return 0;
	return at;
}

static size_t
prepare_whole(const char *text, size_t length, unsigned char *out, size_t room)
{
	char		folded[FOLD_MAX];
	CrmMatchWord word[WORD_MAX];
	CrmMatchWord part[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
	const char *comma = memchr(text, ',', length);
	bool		reversed = surname_first(text, length) > 0;
	int			words;

	if (comma != NULL && !reversed)
		length = (size_t) (comma - text);
	words = name_words(folded, crm_match_plain(text, length, folded, sizeof(folded)), word);
	if (words == 0)
		return 0;
	part[SURNAME] = word[reversed ? 0 : words - 1];
	if (words > 1)
		part[GIVEN] = word[reversed ? 1 : 0];
	if (words > 2)
		part[MIDDLE] = word[reversed ? 2 : 1];
	return write_parts(part, out, room);
}

/* Two columns: what stands in one of them is one part, whatever words it has. */
static size_t
prepare_columns(const char *text, size_t first, size_t length, unsigned char *out, size_t room)
{
	char		folded[2][FOLD_MAX];
	CrmMatchWord word[2][WORD_MAX];
	CrmMatchWord part[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
	int			given = name_words(folded[0], crm_match_plain(text, first, folded[0], FOLD_MAX), word[0]);
	int			surname = name_words(folded[1], crm_match_plain(text + first + 1, length - first - 1, folded[1], FOLD_MAX), word[1]);

	if (given > 0)
		part[GIVEN] = word[0][0];
	if (given > 1)
		part[MIDDLE] = word[0][1];
	if (surname > 0)
	{
		part[SURNAME].text = folded[1];
		part[SURNAME].length = (int) crm_match_plain_tight(text + first + 1, length - first - 1, folded[1], FOLD_MAX);
	}
	return write_parts(part, out, room);
}

static size_t
prepare_name(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	const char *gap = memchr(text, CRM_MATCH_SEPARATOR, length);

	(void) arg;
	if (gap != NULL)
		return prepare_columns(text, (size_t) (gap - text), length, out, room);
	return prepare_whole(text, length, out, room);
}

static void
read_parts(const unsigned char *value, size_t length, NameParts *parts)
{
	size_t		at = HEAD;

	static const unsigned char none[GROUPS];

	memset(parts, 0, sizeof(*parts));
	for (int i = 0; i < 3; i++)
		parts->group[i] = none;
	for (int i = 0; i < 3 && length >= HEAD; i++)
	{
		if (value[i] > length - at)
			return;
		parts->group[i] = value + 3 + i * GROUPS;
		parts->text[i] = (const char *) value + at;
		parts->length[i] = value[i];
		at += value[i];
	}
}

/* How two parts relate, best first. */
typedef enum Relation
{
	SAME, NEAR, GONE, OTHER
} Relation;

static Relation
relate(const NameParts *a, int i, const NameParts *b, int j)
{
	const char *x = a->text[i];
	const char *y = b->text[j];
	int			n = a->length[i];
	int			m = b->length[j];
	int			shorter = n < m ? n : m;

	if (n == 0 || m == 0)
		return GONE;
	if (n == m && memcmp(x, y, (size_t) n) == 0)
		return SAME;
	if (shorter == 1)
		return x[0] == y[0] ? GONE : OTHER;	/* an initial says little, but can contradict */
	if (shorter >= 3 && memcmp(x, y, (size_t) shorter) == 0)
		return NEAR;
	if (shorter >= 3 && crm_match_osa(x, n, y, m, shorter >= 6 ? 2 : 1) <= (shorter >= 6 ? 2 : 1))
		return NEAR;
	if (crm_match_jaro_winkler(x, n, y, m) >= 0.88 ||
		(n == m && n >= 4 && crm_match_letter_bag(x, n) == crm_match_letter_bag(y, m)))
		return NEAR;
	return i != SURNAME && j != SURNAME && short_of(a->group[i], b->group[j]) ? NEAR : OTHER;
}

static int
level_of(Relation given, Relation surname)
{
	static const char level[4][4] = {
		/* given down, surname across: SAME, NEAR, GONE, OTHER */
		{LEVEL_EXACT, LEVEL_SURNAME_FUZZY, LEVEL_GIVEN_ONLY, LEVEL_GIVEN},
		{LEVEL_GIVEN_FUZZY, LEVEL_BOTH_FUZZY, LEVEL_FUZZY_ONLY, LEVEL_FUZZY_PART},
		{LEVEL_SURNAME_ONLY, LEVEL_FUZZY_ONLY, 0, LEVEL_ELSE},
		{LEVEL_SURNAME, LEVEL_FUZZY_PART, LEVEL_ELSE, LEVEL_ELSE},
	};

	return level[given][surname];
}

/* The person may go by the second forename. */
static Relation
relate_given(const NameParts *a, const NameParts *b)
{
	Relation	found = relate(a, GIVEN, b, GIVEN);

	if (found == OTHER && (relate(a, MIDDLE, b, GIVEN) <= NEAR || relate(a, GIVEN, b, MIDDLE) <= NEAR))
		return NEAR;
	return found;
}

static int
compare_name(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	NameParts	left;
	NameParts	right;
	Relation	one;
	Relation	other;
	int			straight;
	int			crossed;

	(void) arg;
	read_parts(a, a_length, &left);
	read_parts(b, b_length, &right);
	straight = level_of(relate_given(&left, &right), relate(&left, SURNAME, &right, SURNAME));
	if (straight != 0 && straight <= LEVEL_GIVEN_ONLY)
		return straight;
	/* Which side is called first must not matter: of both readings the better one. */
	one = relate(&left, GIVEN, &right, SURNAME);
	other = relate(&left, SURNAME, &right, GIVEN);
	crossed = level_of(one, other);
	if (level_of(other, one) != 0 && (crossed == 0 || level_of(other, one) < crossed))
		crossed = level_of(other, one);
	if (crossed == LEVEL_EXACT)
		return LEVEL_SWAPPED;
	/* Across, forename and surname are one and the same: which side asks must not matter. */
	if (crossed == LEVEL_GIVEN_FUZZY)
		crossed = LEVEL_SURNAME_FUZZY;
	if (crossed == LEVEL_SURNAME_ONLY)
		crossed = LEVEL_GIVEN_ONLY;
	if (crossed != 0 && crossed <= LEVEL_FUZZY_ONLY && (straight == 0 || crossed < straight))
		return crossed;
	return straight;
}

static uint64_t
part_hash(const NameParts *parts, int part)
{
	return parts->length[part] == 0 ? 0 : crm_match_digest(parts->text[part], (size_t) parts->length[part]);
}

static uint64_t
term_name(const unsigned char *value, size_t length, int level)
{
	NameParts	parts;

	read_parts(value, length, &parts);
	switch (level)
	{
		case LEVEL_EXACT:
		case LEVEL_SWAPPED:
			return crm_match_stir(part_hash(&parts, GIVEN) + part_hash(&parts, SURNAME));
		case LEVEL_GIVEN_FUZZY:
		case LEVEL_SURNAME_ONLY:
		case LEVEL_SURNAME:
			return part_hash(&parts, SURNAME);
		case LEVEL_SURNAME_FUZZY:
		case LEVEL_GIVEN_ONLY:
		case LEVEL_GIVEN:
			return part_hash(&parts, GIVEN);
		default:
			return 0;
	}
}

enum
{
	KEY_FULL, KEY_SURNAME, KEY_GIVEN, KEY_TOKEN, KEY_SOUND, KEY_BAG
};

static int
keys_name(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	NameParts	parts;
	int			keys = 0;

	read_parts(value, length, &parts);
	if (parts.length[GIVEN] > 0 && parts.length[SURNAME] > 0)
		keys = crm_match_add_key(key, keys, room, KEY_FULL, crm_match_stir(part_hash(&parts, GIVEN) + part_hash(&parts, SURNAME)));
	if (parts.length[SURNAME] > 0)
		keys = crm_match_add_key(key, keys, room, KEY_SURNAME, part_hash(&parts, SURNAME));
	if (parts.length[GIVEN] > 0)
		keys = crm_match_add_key(key, keys, room, KEY_GIVEN, part_hash(&parts, GIVEN));
	for (int i = 0; i < 3; i++)
		if (parts.length[i] > 1)
		{
			keys = crm_match_add_key(key, keys, room, KEY_TOKEN, part_hash(&parts, i));
			if (i != MIDDLE)
				keys = crm_match_add_key(key, keys, room, KEY_SOUND, crm_match_sound(parts.text[i], parts.length[i]));
			if (i != MIDDLE)
				keys = crm_match_add_key(key, keys, room, KEY_BAG, crm_match_letter_bag(parts.text[i], parts.length[i]));
		}
	return keys;
}

static const char *const name_level[] = {
	"missing", "exact", "swapped", "given_fuzzy", "surname_fuzzy", "both_fuzzy", "surname_only", "given_only",
	"fuzzy_only", "surname_same", "given_same", "fuzzy_part", "else", NULL
};
static const char *const name_family[] = {"full", "surname", "given", "part", "sound", "letters", NULL};

const CrmMatchKind crm_match_kind_name = {
	"name", name_level, name_family, prepare_name, compare_name, term_name, keys_name
};
