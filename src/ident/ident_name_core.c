/*
 * ident_name_core.c: names of persons and of organisations.
 */
#include "ident_core.h"

#define PERSON_NAME_POINTS 100
#define PERSON_NAME_BYTES 320
#define MIDDLE_DOT 0xB7

/* What a letter belongs to; Han and Latin do not mix in one person's name. */
typedef enum NameScript
{
	SCRIPT_NONE,
	SCRIPT_HAN,
	SCRIPT_LATIN,
	SCRIPT_KANA,
	SCRIPT_OTHER
} NameScript;

/* The dots that stand between the parts of a minority name. */
static bool
is_name_dot(uint32_t point)
{
	return point == MIDDLE_DOT || point == '.' || point == 0x2022 || point == 0x2027 ||
		point == 0x2219 || point == 0x22C5 || point == 0x30FB || point == 0xFF65 ||
		point == 0x0387 || point == 0x2024 || point == 0x25CF || point == 0x2E31 ||
		point == 0x16EB || point == 0x00B0;
}

static bool
is_latin(uint32_t point)
{
	return (point >= 'A' && point <= 'Z') || (point >= 'a' && point <= 'z') ||
		(point >= 0xC0 && point <= 0x24F && point != 0xD7 && point != 0xF7) ||
		(point >= 0x1E00 && point <= 0x1EFF) || (point >= 0x300 && point <= 0x36F);
}

/* Cyrillic, Greek, Arabic, Tibetan, Mongolian, Yi, Thai, Hangul and so on. */
static bool
is_other_letter(uint32_t point)
{
	return (point >= 0x370 && point <= 0x3FF && point != 0x37E) ||
		(point >= 0x400 && point <= 0x52F) || (point >= 0x531 && point <= 0x587) ||
		(point >= 0x5D0 && point <= 0x5EA) || (point >= 0x620 && point <= 0x669) ||
		(point >= 0x66E && point <= 0x6D3) || (point >= 0x900 && point <= 0xDFF) ||
		(point >= 0xE01 && point <= 0xE4E) || (point >= 0xF40 && point <= 0xFBC) ||
		point == 0xF0B || (point >= 0x1000 && point <= 0x109F) ||
		(point >= 0x10A0 && point <= 0x10FF) || (point >= 0x1100 && point <= 0x11FF) ||
		(point >= 0x1820 && point <= 0x18AA) || (point >= 0xA000 && point <= 0xA48C) ||
		(point >= 0xAC00 && point <= 0xD7A3);
}

static NameScript
letter_script(uint32_t point)
{
	if (crm_is_han(point))
		return SCRIPT_HAN;
	if (is_latin(point))
		return SCRIPT_LATIN;
	if (point >= 0x3041 && point <= 0x30FF && point != 0x30FB)
		return SCRIPT_KANA;
	return is_other_letter(point) ? SCRIPT_OTHER : SCRIPT_NONE;
}

/* What the first pass over a name finds. */
typedef struct NameSurvey
{
	bool		han;
	bool		latin;
	bool		other;
	int			letters;
	int			words;
	CrmReason	fault;
} NameSurvey;

/* Which scripts a folded name uses, and whether anything else stands in it. */
static void
survey_name(const char *text, size_t length, NameSurvey *survey)
{
	bool		in_word = false;

	memset(survey, 0, sizeof(*survey));
	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		NameScript	script;

		i += crm_utf8_decode(text + i, length - i, &point);
		script = letter_script(point);
		if (script != SCRIPT_NONE)
		{
			survey->han |= script == SCRIPT_HAN || script == SCRIPT_KANA;
			survey->latin |= script == SCRIPT_LATIN;
			survey->other |= script == SCRIPT_OTHER;
			survey->letters++;
			survey->words += !in_word;
			in_word = true;
		}
		else if (point == ' ' || is_name_dot(point))
			in_word = false;
		else if (point != '-' && point != '\'' && point != 0x2018 && point != 0x2019)
			survey->fault = CRM_REASON_CHARACTER;
	}
}

/*
 * Rewrite a name of Han characters: no spaces, one kind of dot, and that dot
 * only between two parts.
 */
static bool
rewrite_han_name(const char *text, size_t length, char *out, size_t *used)
{
	bool		dot = true;

	*used = 0;
	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		bool		is_dot;

		i += crm_utf8_decode(text + i, length - i, &point);
		if (point == ' ')
			continue;
		is_dot = is_name_dot(point);
		if ((is_dot && dot) || point == '-' || point == '\'' || point == 0x2018 || point == 0x2019)
			return false;
		*used += crm_utf8_encode(is_dot ? MIDDLE_DOT : point, out + *used);
		dot = is_dot;
	}
	return !dot;
}

/*
 * Rewrite a name in another script: one kind of apostrophe, and punctuation only
 * where it joins letters.  So a full stop cannot stand: a document writes names
 * out, and an abbreviation would be another name than its owner's.
 */
static bool
rewrite_other_name(const char *text, size_t length, char *out, size_t *used)
{
	bool		letter = false;

	*used = 0;
	for (size_t i = 0; i < length;)
	{
		uint32_t	point;

		i += crm_utf8_decode(text + i, length - i, &point);
		if (point == 0x2018 || point == 0x2019)
			point = '\'';
		if (letter_script(point) != SCRIPT_NONE)
			letter = true;
		else if (point == ' ')
			letter = false;
		else if (!letter || point == '.')
			return false;
		else
			letter = false;
		*used += crm_utf8_encode(point, out + *used);
	}
	return letter;
}

/*
 * A person's name: Chinese of two characters or more, the parts of a minority
 * name joined by one middle dot, or a Latin name of two words or more, since a
 * single Latin word is mostly a login or "null".
 */
bool
crm_person_name_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	char		folded[PERSON_NAME_BYTES + 8];
	char		name[PERSON_NAME_BYTES + 8];
	size_t		used;
	NameSurvey	survey;
	CrmReason	reason = crm_fold_text(text, length, folded, PERSON_NAME_BYTES, &used);
	bool		good;

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	survey_name(folded, used, &survey);
	if (survey.fault != CRM_OK)
		return crm_verdict_refuse(verdict, survey.fault);
	if (survey.letters < 2 || survey.letters > PERSON_NAME_POINTS)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	if (survey.han)
		good = !survey.latin && !survey.other && rewrite_han_name(folded, used, name, &used);
	else
		good = !(survey.latin && (survey.words < 2 || survey.other)) &&
			rewrite_other_name(folded, used, name, &used);
	if (!good)
		return crm_verdict_refuse(verdict, CRM_REASON_FORM);
	crm_copy_text(verdict->type, sizeof(verdict->type),
				  survey.han ? "han" : survey.latin ? "latin" : "other");
	return crm_verdict_accept(verdict, name, used);
}

/* Surnames of two characters, sorted by their bytes. */
static const char compound_surname[][7] = {
#include "surname_table.inc"
};

/*
 * Bytes of the surname of a normalised Chinese name.  A name of two characters
 * has a surname of one, whatever it looks like; dotted names have none.
 */
size_t
crm_person_surname_length(const char *name, size_t length)
{
	uint32_t	point;
	size_t		first = crm_utf8_decode(name, length, &point);
	size_t		low = 0;
	size_t		high = sizeof(compound_surname) / sizeof(compound_surname[0]);

	if (first == 0 || !crm_is_han(point))
		return 0;
	for (size_t i = 0; i + 1 < length; i++)
	{
		if ((unsigned char) name[i] == 0xC2 && (unsigned char) name[i + 1] == 0xB7)
			return 0;
	}
	while (length > 6 && low < high)
	{
		size_t		middle = (low + high) / 2;
		int			order = memcmp(name, compound_surname[middle], 6);

		if (order == 0)
			return 6;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return first;
}

/* Signs that do occur in registered names. */
static bool
is_organization_sign(uint32_t point)
{
	return (point < 0x80 && point != 0 && strchr(" ()&-.,'/+!?:\"#@*[]%_;", (int) point) != NULL) ||
		is_name_dot(point) || point == 0x2018 || point == 0x2019 || point == 0x201C ||
		point == 0x201D || (point >= 0x3001 && point <= 0x3002) ||
		(point >= 0x3008 && point <= 0x3011) || point == 0x2116 || point == 0xAE ||
		point == 0x2122 || (point >= 0x2160 && point <= 0x217F) || point == 0xB2;
}

/* A space between two Han characters says nothing; one beside Latin letters does. */
static size_t
drop_han_spaces(char *text, size_t length)
{
	size_t		used = 0;
	bool		han = false;

	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		uint32_t	next = 0;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (point == ' ')
			crm_utf8_decode(text + i + 1, length - i - 1, &next);
		if (point != ' ' || !(han || crm_is_han(next)))
		{
			memmove(text + used, text + i, bytes);
			used += bytes;
		}
		han = crm_is_han(point);
		i += bytes;
	}
	text[used] = '\0';
	return used;
}

/*
 * An organisation's name: at least two letters, folded widths and brackets, no
 * spaces between Han characters.
 */
bool
crm_organization_name_judge(const char *text, size_t length, CrmVerdict *verdict)
{
	char		folded[CRM_NORMALIZED_MAX + 8];
	size_t		used;
	int			letters = 0;
	CrmReason	reason = crm_fold_text(text, length, folded, CRM_NORMALIZED_MAX, &used);

	if (reason != CRM_OK)
		return crm_verdict_refuse(verdict, reason);
	for (size_t i = 0; i < used;)
	{
		uint32_t	point;

		i += crm_utf8_decode(folded + i, used - i, &point);
		if (letter_script(point) != SCRIPT_NONE)
			letters++;
		else if (!(point < 0x80 && crm_is_digit((char) point)) && !is_organization_sign(point))
			return crm_verdict_refuse(verdict, CRM_REASON_CHARACTER);
	}
	if (letters < 2)
		return crm_verdict_refuse(verdict, CRM_REASON_LENGTH);
	used = drop_han_spaces(folded, used);
	return crm_verdict_accept(verdict, folded, used);
}
