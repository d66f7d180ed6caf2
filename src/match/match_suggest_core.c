/*
 * match_suggest_core.c: comparisons for a table from the names, the types and
 * above all the contents of its columns.  Rules are match_rules_core.c's.
 *
 * Names help where they say something; a column called c3 is known by its
 * values.  What names the record (a key) or the answer (a cluster) is left out,
 * and so is what only repeats another column.
 */
#include "ident/ident.h"
#include "match_inside_core.h"

#include <stdlib.h>

#define PROFILE_ROWS 3000
#define WORDS_ROWS 400

/* What a column was taken for. */
typedef enum Guess
{
	GUESS_NONE,
	GUESS_KEY, GUESS_ANSWER, GUESS_EMPTY, GUESS_CONSTANT, GUESS_REPEAT, GUESS_SOURCE,
	GUESS_CN_ID, GUESS_CN_PHONE, GUESS_CN_NAME, GUESS_CN_COMPANY, GUESS_CN_ADDRESS,
	GUESS_EMAIL, GUESS_PHONE, GUESS_DATE, GUESS_GIVEN, GUESS_SURNAME, GUESS_NAME,
	GUESS_ADDRESS, GUESS_NUMBER, GUESS_POSTCODE, GUESS_CODE, GUESS_CLASS, GUESS_WORD, GUESS_TITLE,
	GUESS_COUNT
} Guess;

static const char *const guess_why[GUESS_COUNT] = {
	"", "left out: names the record", "left out: names the answer", "left out: nearly empty", "left out: one value",
	"left out: repeats another column", "left out: where the record came from",
	"identity number", "Chinese telephone", "Chinese person's name", "Chinese company", "Chinese address",
	"e-mail address", "telephone", "date", "forename", "surname", "person's name",
	"address", "number", "postcode", "code", "one of few values", "word", "several words"
};

typedef struct Profile
{
	size_t		rows;			/* looked at */
	size_t		filled;
	size_t		distinct;
	double		length;			/* mean, bytes */
	double		words;			/* mean */
	/* Shares of filled values. */
	double		han;
	double		email;
	double		cn_id;
	double		cn_mobile;
	double		cn_company;
	double		cn_address;
	double		cn_person;
	double		date;
	double		digits;			/* digits alone */
	double		has_digit;
	double		letters;		/* letters alone, spaces and hyphens included */
	double		phone;
	double		url;
	double		street;			/* number and a street's word */
	double		forename;
	double		legal;			/* letters and digits mixed, one short word */
	double		padded;			/* digits alone, the first of several a zero */
	double		low;
	double		high;			/* of numbers */
	bool		even;			/* numbers lie evenly between the two */
} Profile;

static bool
contains(const char *text, size_t length, const char *part)
{
	size_t		size = strlen(part);

	for (size_t i = 0; i + size <= length; i++)
		if (memcmp(text + i, part, size) == 0)
			return true;
	return false;
}

static bool
contains_any(const char *text, size_t length, const char *const *part)
{
	for (; *part != NULL; part++)
		if (contains(text, length, *part))
			return true;
	return false;
}

/* Whether a column's name, folded, has one of the words. */
static bool
named(const CrmMatchColumn *column, const char *const *part)
{
	char		folded[128];
	size_t		length = column->name == NULL ? 0 : crm_match_plain_tight(column->name, strlen(column->name), folded, sizeof(folded));

	return contains_any(folded, length, part);
}

static bool
named_exactly(const CrmMatchColumn *column, const char *const *name)
{
	char		folded[128];
	size_t		length = column->name == NULL ? 0 : crm_match_plain_tight(column->name, strlen(column->name), folded, sizeof(folded));

	for (; *name != NULL; name++)
		if (strlen(*name) == length && memcmp(*name, folded, length) == 0)
			return true;
	return false;
}

/* -- profiles ----------------------------------------------------------------- */

static const char *const company_word[] = {"公司", "集团", "厂", "商行", "事务所", "合作社", "中心", "有限", "股份", NULL};
static const char *const place_word[] = {"省", "市", "区", "县", "镇", "乡", "路", "街", "号", "村", "巷", "道", NULL};
static const char *const street_words[] = {
	" st ", " street ", " rd ", " road ", " ave ", " avenue ", " av ", " dr ", " drive ", " ln ", " lane ", " blvd ",
	" boulevard ", " ct ", " court ", " pl ", " place ", " crescent ", " cres ", " circuit ", " close ", " terrace ",
	" parkway ", " pkwy ", " way ", " highway ", " hwy ", " strasse ", " rue ", " calle ", " via ", NULL
};

static int
digits_in(const char *text, size_t length)
{
	int			digits = 0;

	for (size_t i = 0; i < length; i++)
		digits += text[i] >= '0' && text[i] <= '9';
	return digits;
}

static int
han_in(const char *text, size_t length)
{
	int			han = 0;

	for (size_t i = 0; i + 2 < length; i++)
		han += (unsigned char) text[i] >= 0xE4 && (unsigned char) text[i] <= 0xE9 && ((unsigned char) text[i + 1] & 0xC0) == 0x80;
	return han;
}

static bool
is_mobile(const char *text, size_t length)
{
	char		digit[32];
	int			digits = 0;

	for (size_t i = 0; i < length && digits < 32; i++)
		if ((text[i] >= '0' && text[i] <= '9') || text[i] == '*')
			digit[digits++] = text[i];
	if (digits >= 13 && memcmp(digit + digits - 13, "86", 2) == 0)
		return digit[digits - 11] == '1' && digit[digits - 10] >= '3';
	return digits == 11 && digit[0] == '1' && digit[1] >= '3';
}

/* Digits and what stands between them in telephone numbers. */
static bool
is_phone(const char *text, size_t length)
{
	int			digits = digits_in(text, length);

	if (digits < 7 || digits > 15)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || strchr("+-(). /*x", text[i]) != NULL))
			return false;
	return true;
}

static bool
is_date(const char *text, size_t length)
{
	unsigned char out[CRM_MATCH_VALUE_MAX];
	int			digits = digits_in(text, length);

	if (digits < 4 || digits > 8 || length > 32 ||
		crm_match_kind_date.prepare(NULL, text, length, out, sizeof(out)) == 0)
		return false;
	/* Digits alone are a date only as eight with a month and a day. */
	if (digits == (int) length)
		return digits == 8 && out[2] >= 1 && out[3] >= 1 && out[0] >= 6 && out[0] <= 8;
	return out[2] >= 1 && (out[3] >= 1 || digits <= 6) && (han_in(text, length) > 0 || length - (size_t) digits <= 12);
}

static bool
is_legal(const char *folded, size_t length)
{
	int			digits = digits_in(folded, length);

	return digits > 0 && digits < (int) length && length <= 9;
}

static bool
letters_alone(const char *folded, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (folded[i] >= '0' && folded[i] <= '9')
			return false;
	return length > 0;
}

static double
number_of(const char *text, size_t length)
{
	double		value = 0;

	for (size_t i = 0; i < length; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

static void
look(Profile *profile, const char *text, size_t length)
{
	char		folded[FOLD_MAX];
	char		spaced[FOLD_MAX + 2];
	CrmMatchWord word[WORD_MAX];
	size_t		bytes;
	int			words;
	int			digits;
	int			han;

	length = length < 400 ? length : 400;
	bytes = crm_match_plain(text, length, folded, sizeof(folded));
	words = crm_match_words(folded, bytes, word, WORD_MAX);
	digits = digits_in(text, length);
	han = han_in(text, length);
	spaced[0] = ' ';
	memcpy(spaced + 1, folded, bytes);
	spaced[bytes + 1] = ' ';
	profile->length += (double) length;
	profile->words += words;
	profile->han += han * 3 * 2 > (int) length;
	profile->email += memchr(text, '@', length) != NULL && han == 0;
	profile->cn_id += crm_ident_valid(CRM_KIND_RESIDENT_ID, text, length) || crm_ident_valid(CRM_KIND_USCC, text, length) ||
		(length == 18 && digits >= 12 && han == 0);
	profile->cn_mobile += is_mobile(text, length) && is_phone(text, length);
	profile->phone += is_phone(text, length) && !is_date(text, length);
	profile->cn_company += han >= 3 && contains_any(text, length, company_word);
	profile->cn_address += han >= 4 && contains_any(text, length, place_word) && (digits > 0 || han >= 7);
	profile->cn_person += han >= 2 && han <= 6 && digits == 0 && crm_person_surname_length(text, length) > 0;
	profile->date += is_date(text, length);
	profile->digits += digits == (int) length && digits > 0;
	profile->has_digit += digits > 0;
	profile->letters += letters_alone(folded, bytes) && han == 0;
	profile->url += contains(text, length, "www.") || contains(text, length, "http");
	profile->street += han == 0 && contains_any(spaced, bytes + 2, street_words);
	profile->forename += words >= 1 && crm_match_is_forename(word[0].text, word[0].length);
	profile->legal += is_legal(folded, bytes);
	profile->padded += digits == (int) length && digits > 1 && text[0] == '0';
	if (digits == (int) length && digits > 0 && digits < 16)
	{
		double		value = number_of(text, length);

		profile->low = value < profile->low ? value : profile->low;
		profile->high = value > profile->high ? value : profile->high;
	}
}

static int
by_hash(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return x < y ? -1 : x > y;
}

/*
 * Whether numbers lie evenly between the lowest and the highest, as those that
 * count something do: each quarter holds about a quarter of them.  House numbers
 * crowd at the low end, postcodes where people live.
 */
static bool
lies_evenly(const CrmMatchText *value, int columns, int column, size_t rows, const Profile *profile)
{
	size_t		quarter[4] = {0};
	bool		even = true;

	for (size_t row = 0; row < rows; row++)
	{
		const CrmMatchText *cell = &value[row * (size_t) columns + (size_t) column];

		if (cell->text != NULL && cell->length > 0 && cell->length < 16 && digits_in(cell->text, cell->length) == (int) cell->length)
			quarter[(int) (4 * (number_of(cell->text, cell->length) - profile->low) / (profile->high - profile->low + 1))]++;
	}
	for (int i = 0; i < 4; i++)
		even = even && quarter[i] * 100 >= 15 * profile->filled && quarter[i] * 100 <= 35 * profile->filled;
	return even;
}

static void
profile_column(const CrmMatchText *value, int columns, int column, size_t rows, uint64_t *scratch, Profile *profile)
{
	memset(profile, 0, sizeof(*profile));
	profile->low = 1e300;
	profile->high = -1e300;
	profile->rows = rows;
	for (size_t row = 0; row < rows; row++)
	{
		const CrmMatchText *cell = &value[row * (size_t) columns + (size_t) column];

		if (cell->text == NULL || cell->length == 0)
			continue;
		scratch[profile->filled++] = crm_match_digest(cell->text, cell->length < 400 ? cell->length : 400);
		look(profile, cell->text, cell->length);
	}
	qsort(scratch, profile->filled, sizeof(*scratch), by_hash);
	for (size_t i = 0; i < profile->filled; i++)
		profile->distinct += i == 0 || scratch[i] != scratch[i - 1];
	if (profile->filled > 0)
		for (double *share = &profile->length; share <= &profile->padded; share++)
			*share /= (double) profile->filled;
	profile->even = profile->digits > 0.999 && lies_evenly(value, columns, column, rows, profile);
}

/* -- guesses ------------------------------------------------------------------ */

static const char *const answer_name[] = {
	"cluster", "truth", "label", "goldid", "groundtruth", "duplicateof", "dupof", "matchid", "entityid", "canonicalid", NULL
};
static const char *const answer_exact[] = {"entity", "group", "groupid", "class", "match", "target", "y", NULL};
static const char *const key_exact[] = {
	"id", "rowid", "recid", "recordid", "uniqueid", "uuid", "guid", "pk", "key", "index", "idx", "rownumber", "rowno", "no", "seq", NULL
};
static const char *const source_exact[] = {"source", "datasource", "sourceid", "sourcesystem", "origin", "file", "filename", "dataset", NULL};
static const char *const given_name[] = {"first", "given", "forename", "christianname", "prenom", "vorname", NULL};
static const char *const given_exact[] = {"fname", NULL};
static const char *const surname_name[] = {"surname", "last", "family", "nachname", NULL};
static const char *const surname_exact[] = {"lname", NULL};
static const char *const person_name[] = {"fullname", "name", "person", "contact", "customer", "patient", "namefull", NULL};
static const char *const phone_name[] = {"phone", "tel", "mobile", "fax", "cell", "handy", "电话", "手机", NULL};
static const char *const post_name[] = {"post", "zip", "plz", "pincode", "邮编", NULL};
static const char *const address_name[] = {"addr", "street", "road", NULL};
static const char *const date_name[] = {"date", "dob", "birth", "born", "生日", "日期", NULL};
static const char *const company_name[] = {"company", "organi", "firm", "business", "employer", "单位", "公司", "企业", NULL};

/* A number that counts records, or clusters of them: dense, and hardly ever repeated. */
static bool
counts_records(const Profile *profile, uint64_t total)
{
	double		range = profile->high - profile->low + 1;

	if (profile->digits < 0.999 || profile->filled < profile->rows || profile->rows < 20)
		return false;
	if (profile->distinct == profile->filled && range <= 3.0 * (double) profile->filled)
		return true;			/* the first rows of a serial number */
	return profile->even && profile->padded == 0 &&
		range <= 3.0 * (double) total && range >= 0.15 * (double) total && profile->low <= 0.02 * range &&
		(double) profile->distinct >= 0.2 * (double) profile->filled;
}

static bool
is_unique(const Profile *profile)
{
	return profile->rows >= 20 && profile->distinct == profile->rows;
}

static Guess
guess_left_out(const CrmMatchColumn *column, const Profile *profile, uint64_t total)
{
	if (named(column, answer_name) || named_exactly(column, answer_exact))
		return GUESS_ANSWER;
	if (profile->filled * 50 < profile->rows || profile->filled < 2)
		return GUESS_EMPTY;
	if (profile->distinct < 2)
		return GUESS_CONSTANT;
	if (counts_records(profile, total) && !named(column, post_name))
		return GUESS_KEY;
	if (is_unique(profile) && named_exactly(column, key_exact))
		return GUESS_KEY;
	if (is_unique(profile) && profile->words <= 5 && profile->has_digit > 0.95 && profile->cn_id < 0.3 && profile->phone < 0.5 &&
		profile->email < 0.5 && profile->street < 0.2 && profile->han < 0.2 && profile->date < 0.5 && profile->digits < 0.5 &&
		profile->letters < 0.05 && profile->words >= 2 && profile->length > 4 && profile->length < 48 &&
		profile->legal < 0.5)
		return GUESS_KEY;		/* rec-17-org, a UUID */
	return named_exactly(column, source_exact) ? GUESS_SOURCE : GUESS_NONE;
}

static Guess
guess_chinese(const CrmMatchColumn *column, const Profile *profile)
{
	if (profile->cn_company > 0.4 || (profile->cn_company > 0.15 && named(column, company_name)))
		return GUESS_CN_COMPANY;
	if (profile->cn_address > 0.5)
		return GUESS_CN_ADDRESS;
	if (profile->cn_person > 0.6 && profile->length < 16 && (double) profile->distinct > 0.1 * (double) profile->filled)
		return GUESS_CN_NAME;
	return GUESS_NONE;
}

static bool
few_values(const Profile *profile)
{
	return profile->distinct <= 12 || (double) profile->distinct < 0.01 * (double) profile->filled;
}

static Guess
guess_content(const CrmMatchColumn *column, const Profile *profile)
{
	if (profile->email > 0.7)
		return GUESS_EMAIL;
	if (profile->cn_id > 0.5)
		return GUESS_CN_ID;
	if (profile->date > 0.8 || (profile->date > 0.5 && named(column, date_name)))
		return GUESS_DATE;
	if (profile->phone > 0.6 && profile->cn_mobile > 0.3)
		return GUESS_CN_PHONE;
	if (profile->phone > 0.6 && (named(column, phone_name) || profile->digits < 0.7))
		return GUESS_PHONE;
	if (profile->han > 0.5)
	{
		Guess		guess = guess_chinese(column, profile);

		if (guess != GUESS_NONE)
			return guess;
	}
	if (few_values(profile))
		return GUESS_CLASS;
	if (named(column, post_name) && profile->words < 2.5 && profile->length < 14)
		return GUESS_POSTCODE;
	if (profile->legal > 0.7 && (double) profile->distinct < 0.97 * (double) profile->filled)
		return GUESS_POSTCODE;
	if (profile->digits > 0.9)
		return profile->length >= 5.5 ? GUESS_CODE : GUESS_NUMBER;
	if (profile->street > 0.3 || (named(column, address_name) && profile->words >= 1.5))
		return GUESS_ADDRESS;
	if (profile->letters > 0.7 && profile->words < 2 && (named(column, given_name) || named_exactly(column, given_exact)) &&
		!named(column, surname_name))
		return GUESS_GIVEN;
	if (profile->letters > 0.7 && profile->words < 2 && (named(column, surname_name) || named_exactly(column, surname_exact)) &&
		!named(column, given_name))
		return GUESS_SURNAME;
	if (profile->letters > 0.7 && profile->forename > 0.12 && profile->words < 1.3)
		return GUESS_GIVEN;
	if (profile->letters > 0.7 && profile->words >= 1.5 && profile->words < 4.5 &&
		(profile->forename > 0.12 || (named(column, person_name) && !named(column, company_name) && profile->forename > 0.04)))
		return GUESS_NAME;
	if (profile->words >= 2.2)
		return GUESS_TITLE;
	return profile->letters > 0.5 || profile->words >= 1.2 ? GUESS_WORD : GUESS_CODE;
}

/* -- repeated columns --------------------------------------------------------- */

/* Share of rows in which all words of column a stand in column b. */
static double
repeats(const CrmMatchText *value, int columns, size_t rows, int a, int b)
{
	size_t		both = 0;
	size_t		inside = 0;

	for (size_t row = 0; row < rows && both < WORDS_ROWS; row++)
	{
		const CrmMatchText *x = &value[row * (size_t) columns + (size_t) a];
		const CrmMatchText *y = &value[row * (size_t) columns + (size_t) b];
		char		left[FOLD_MAX];
		char		right[FOLD_MAX];
		CrmMatchWord word[WORD_MAX];
		CrmMatchWord other[WORD_MAX];
		int			n;
		int			m;
		int			found = 0;

		if (x->text == NULL || x->length == 0 || y->text == NULL || y->length == 0)
			continue;
		n = crm_match_words(left, crm_match_plain(x->text, x->length, left, FOLD_MAX), word, WORD_MAX);
		m = crm_match_words(right, crm_match_plain(y->text, y->length, right, FOLD_MAX), other, WORD_MAX);
		for (int i = 0; i < n; i++)
			for (int j = 0; j < m; j++)
				if (word[i].length == other[j].length && memcmp(word[i].text, other[j].text, (size_t) word[i].length) == 0)
				{
					found++;
					break;
				}
		both++;
		inside += n > 0 && found == n;
	}
	return both < 20 ? 0 : (double) inside / (double) both;
}

static bool
is_texty(Guess guess)
{
	return guess == GUESS_GIVEN || guess == GUESS_SURNAME || guess == GUESS_NAME || guess == GUESS_WORD || guess == GUESS_TITLE;
}

/* Forename and surname beat the whole name that they were cut from; else the longer text stays. */
static void
drop_repeats(const CrmMatchText *value, int columns, size_t rows, const Profile *profile, Guess *guess)
{
	bool		parts = false;
	bool		given = false;

	for (int i = 0; i < columns; i++)
	{
		given |= guess[i] == GUESS_GIVEN;
		parts |= guess[i] == GUESS_SURNAME;
	}
	parts &= given;
	for (int i = 0; i < columns; i++)
		for (int j = 0; j < columns; j++)
		{
			if (i == j || !is_texty(guess[i]) || !is_texty(guess[j]) || repeats(value, columns, rows, i, j) < 0.8)
				continue;
			/* i stands in j */
			if (parts && (guess[i] == GUESS_GIVEN || guess[i] == GUESS_SURNAME))
				guess[j] = guess[j] == GUESS_GIVEN || guess[j] == GUESS_SURNAME ? guess[j] : GUESS_REPEAT;
			else if (profile[i].filled <= profile[j].filled * 11 / 10)
				guess[i] = GUESS_REPEAT;
		}
}

/* -- comparisons -------------------------------------------------------------- */

static CrmMatchComparison *
add_comparison(CrmMatchSettings *settings, const CrmMatchKind *kind, int column, bool terms)
{
	CrmMatchComparison *comparison;

	if (settings->comparison_count == CRM_MATCH_COMPARISON_MAX || kind == NULL)
		return NULL;
	comparison = &settings->comparison[settings->comparison_count++];
	memset(comparison, 0, sizeof(*comparison));
	comparison->kind = kind;
	comparison->term_frequency = terms;
	comparison->column_count = 1;
	comparison->column[0] = column;
	return comparison;
}

static const char *
kind_of(Guess guess)
{
	switch (guess)
	{
		case GUESS_CN_ID:
			return "cn_id_number";
		case GUESS_CN_PHONE:
			return "cn_phone";
		case GUESS_CN_NAME:
			return "cn_name";
		case GUESS_CN_COMPANY:
			return "cn_company_name";
		case GUESS_CN_ADDRESS:
			return "cn_address";
		case GUESS_EMAIL:
			return "email";
		case GUESS_PHONE:
			return "phone";
		case GUESS_DATE:
			return "date";
		case GUESS_NAME:
			return "name";
		case GUESS_ADDRESS:
			return "address";
		case GUESS_POSTCODE:
			return "postcode";
		case GUESS_CODE:
		case GUESS_NUMBER:
			return "damerau_levenshtein";
		case GUESS_CLASS:
			return "exact";
		case GUESS_WORD:
		case GUESS_GIVEN:
		case GUESS_SURNAME:
			return "jaro_winkler";
		case GUESS_TITLE:
			return "title";
		default:
			return NULL;
	}
}

/* A surname to each forename: the column named so, else the next that is letters alone. */
static int
partner(const Guess *guess, const Profile *profile, int columns, int given)
{
	for (int i = 0; i < columns; i++)
		if (guess[i] == GUESS_SURNAME)
			return i;
	for (int step = 1; step <= 2; step++)
		for (int sign = 1; sign >= -1; sign -= 2)
		{
			int			i = given + sign * step;

			if (i >= 0 && i < columns && guess[i] == GUESS_WORD && profile[i].words < 1.4 && profile[i].letters > 0.85 &&
				(double) profile[i].distinct > 0.1 * (double) profile[i].filled)
				return i;
		}
	return -1;
}

static void
add_names(CrmMatchSettings *settings, Guess *guess, const Profile *profile, int columns, bool *used)
{
	for (int i = 0; i < columns; i++)
	{
		CrmMatchComparison *comparison;
		int			surname;

		if (guess[i] != GUESS_GIVEN || used[i])
			continue;
		surname = partner(guess, profile, columns, i);
		if (surname < 0 || used[surname])
			continue;
		comparison = add_comparison(settings, &crm_match_kind_name, i, true);
		if (comparison == NULL)
			return;
		comparison->column_count = 2;
		comparison->column[1] = surname;
		used[i] = used[surname] = true;
		guess[surname] = GUESS_SURNAME;
	}
}

/* What a comparison of the column tells, roughly: order of adding where there are too many. */
static double
information(const Profile *profile)
{
	return (double) profile->filled / (double) (profile->rows + 1) * (double) (profile->distinct + 1) / (double) (profile->filled + 1);
}

static void
add_columns(CrmMatchSettings *settings, const Guess *guess, const Profile *profile, int columns, bool *used)
{
	for (;;)
	{
		int			best = -1;

		for (int i = 0; i < columns; i++)
			if (!used[i] && kind_of(guess[i]) != NULL && (best < 0 || information(&profile[i]) > information(&profile[best])))
				best = i;
		if (best < 0 || add_comparison(settings, crm_match_kind_find(kind_of(guess[best])), best, true) == NULL)
			return;
		used[best] = true;
	}
}

CrmMatchCode
crm_match_suggest(const CrmMatchColumn *column, int column_count, const CrmMatchText *value, size_t rows, uint64_t total,
				  CrmMatchSettings *settings, const char **why, CrmMatchFault *fault)
{
	Guess		guess[CRM_MATCH_COLUMN_MAX];
	bool		used[CRM_MATCH_COLUMN_MAX] = {false};
	size_t		looked = rows < PROFILE_ROWS ? rows : PROFILE_ROWS;
	Profile    *profile;
	uint64_t   *scratch;

	crm_match_settings_init(settings);
	if (column_count < 1 || column_count > CRM_MATCH_COLUMN_MAX)
		return crm_match_fail(fault, column_count < 1 ? CRM_MATCH_NO_COLUMNS : CRM_MATCH_SETTINGS, "number of columns");
	settings->column_count = column_count;
	profile = calloc((size_t) column_count, sizeof(Profile));
	scratch = malloc((looked + 1) * sizeof(*scratch));
	for (int i = 0; i < column_count && profile != NULL && scratch != NULL; i++)
	{
		profile_column(value, column_count, i, looked, scratch, &profile[i]);
		guess[i] = guess_left_out(&column[i], &profile[i], total < rows ? rows : total);
		if (guess[i] == GUESS_NONE)
			guess[i] = guess_content(&column[i], &profile[i]);
	}
	free(scratch);
	if (profile == NULL || scratch == NULL)
	{
		free(profile);
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "suggestion");
	}
	drop_repeats(value, column_count, looked, profile, guess);
	add_names(settings, guess, profile, column_count, used);
	add_columns(settings, guess, profile, column_count, used);
	free(profile);
	for (int i = 0; i < column_count && why != NULL; i++)
		why[i] = guess_why[guess[i]];
	/* What all records have alike tells of none: an exact comparison would weigh nothing. */
	if (settings->comparison_count == 0)
		return crm_match_fail(fault, CRM_MATCH_NO_COLUMNS, "Each column names the record, is nearly empty, or has one value in all records.");
	return crm_match_suggest_rules(value, looked, total < rows ? rows : total, settings, fault);
}
