/*
 * match_rules_core.c: blocking rules for given comparisons.
 *
 * A rule is good when many matches agree on its keys and few other pairs do.
 * How often other pairs agree is measured on a sample; how often matches do is
 * a guess per kind and key.  Rules are chosen one by one, each time the one
 * that finds most imagined matches which the chosen ones miss, at the price of
 * the pairs it makes.
 */
#include "match_inside_core.h"

#include <math.h>
#include <stdlib.h>

#define RULE_ROWS	2000
#define IMAGINED	2000		/* matches */
#define PART_TOP	64			/* (comparison, family) that are looked at */
#define CHOICE_TOP	4000		/* rules to choose from */
#define RULES_WANTED 24

typedef struct Part
{
	int			comparison;
	int			family;
	double		agree;			/* among matches */
	double		chance;			/* among other pairs */
	double		fill;
	uint64_t	seen[IMAGINED / 64 + 1];	/* imagined matches that agree */
} Part;

typedef struct Choice
{
	int			count;
	int			part[CRM_MATCH_PART_MAX];
	double		pairs;			/* per record */
	bool		taken;
} Choice;

/* How often matches agree on a key, by what is usual in dirty data. */
static double
usual_agreement(const char *kind, const char *family)
{
	static const struct
	{
		const char *kind;
		const char *family;
		double		agree;
	}			usual[] =
	{
		{"exact", "full", 0.85},
		{"name", "full", 0.55}, {"name", "surname", 0.7}, {"name", "given", 0.7}, {"name", "part", 0.85},
		{"name", "sound", 0.9}, {"name", "letters", 0.86},
		{"date", "full", 0.7}, {"date", "year_month", 0.78}, {"date", "month_day", 0.77}, {"date", "year_day", 0.76},
		{"date", "year", 0.85},
		{"email", "full", 0.7}, {"email", "local_part", 0.75}, {"email", "start", 0.85}, {"email", "domain", 0.8}, {"email", "letters", 0.76},
		{"phone", "tail", 0.75}, {"phone", "head", 0.77}, {"phone", "exchange", 0.8},
		{"postcode", "full", 0.65}, {"postcode", "district", 0.75}, {"postcode", "area", 0.82}, {"postcode", "letters", 0.68},
		{"address", "full", 0.5}, {"address", "number_and_street", 0.65}, {"address", "street", 0.72}, {"address", "number", 0.8},
		{"address", "number_and_letter", 0.75},
		{"title", "full", 0.4}, {"title", "word_pair", 0.7}, {"title", "word", 0.85}, {"title", "first_word", 0.7},
		{"cn_name", "full", 0.7}, {"cn_name", "pinyin", 0.8}, {"cn_name", "letters", 0.82}, {"cn_name", "initials", 0.83},
		{"cn_name", "given", 0.82}, {"cn_name", "part", 0.88},
		{"cn_id_number", "core", 0.8}, {"cn_id_number", "first12", 0.87}, {"cn_id_number", "last12", 0.87},
		{"cn_id_number", "birth_sequence", 0.88},
		{"cn_phone", "full", 0.75}, {"cn_phone", "masked", 0.78}, {"cn_phone", "last8", 0.8},
		{"cn_address", "door", 0.6}, {"cn_address", "place", 0.75}, {"cn_address", "room", 0.65}, {"cn_address", "rest", 0.7},
		{"cn_company_name", "name", 0.7}, {"cn_company_name", "brand_region", 0.8}, {"cn_company_name", "brand_sound", 0.9},
		{"cn_company_name", "brand", 0.85},
		{NULL, "full", 0.7}, {NULL, "sound", 0.85}, {NULL, "prefix", 0.85}, {NULL, "letters", 0.72}, {NULL, "front", 0.82},
		{NULL, "back", 0.82},
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if ((usual[i].kind == NULL || strcmp(usual[i].kind, kind) == 0) && strcmp(usual[i].family, family) == 0)
			return usual[i].agree;
	return 0.6;
}

static int
by_hash(const void *a, const void *b)
{
	const CrmMatchEntry *x = a;
	const CrmMatchEntry *y = b;

	return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : x->record < y->record ? -1 : x->record > y->record;
}

/* Chance that two records of the sample share a key of the only rule of the settings. */
static double
shared(const CrmMatchSettings *one, unsigned char *const *prepared, size_t rows, CrmMatchEntry *entry, double *fill)
{
	size_t		keys = 0;
	size_t		filled = 0;
	double		pairs = 0;

	for (size_t row = 0; row < rows; row++)
	{
		CrmMatchRecordKey key[16];
		int			found = crm_match_keys(one, prepared[row], key, 16);

		filled += found > 0;
		for (int i = 0; i < found; i++)
			entry[keys++] = (CrmMatchEntry) {key[i].hash, (uint32_t) row};
	}
	qsort(entry, keys, sizeof(*entry), by_hash);
	for (size_t from = 0, to; from < keys; from = to)
	{
		for (to = from + 1; to < keys && entry[to].hash == entry[from].hash; to++)
			;
		pairs += (double) (to - from) * (double) (to - from - 1) / 2;
	}
	*fill = rows == 0 ? 0 : (double) filled / (double) rows;
	return rows < 2 ? 0 : pairs / ((double) rows * (double) (rows - 1) / 2);
}

static int
list_parts(const CrmMatchSettings *settings, unsigned char *const *prepared, size_t rows, CrmMatchEntry *entry, Part *part)
{
	CrmMatchSettings *one = malloc(sizeof(*one));
	int			parts = 0;

	if (one == NULL)
		return -1;
	*one = *settings;
	one->rule_count = 1;
	one->rule[0].count = 1;
	for (int i = 0; i < settings->comparison_count; i++)
		for (int family = 0; settings->comparison[i].kind->family[family] != NULL && parts < PART_TOP; family++)
		{
			Part	   *here = &part[parts];

			one->rule[0].part[0].comparison = i;
			one->rule[0].part[0].family = family;
			memset(here, 0, sizeof(*here));
			here->comparison = i;
			here->family = family;
			here->agree = usual_agreement(settings->comparison[i].kind->name, settings->comparison[i].kind->family[family]);
			here->chance = shared(one, prepared, rows, entry, &here->fill);
			parts += here->fill > 0.01;
		}
	free(one);
	return parts;
}

/*
 * Imagined matches: per comparison one draw says how bad the field is (a key
 * that agrees more often agrees whenever a rarer one does), another whether it
 * is there at all.
 */
static void
imagine(Part *part, int parts, uint64_t seed)
{
	for (int match = 0; match < IMAGINED; match++)
	{
		double		dirt = exp2(match % 8 * 0.5 - 1);	/* some records are copied with care, some are not */
		double		bad[CRM_MATCH_COMPARISON_MAX];
		double		gone[CRM_MATCH_COMPARISON_MAX];

		for (int i = 0; i < CRM_MATCH_COMPARISON_MAX; i++)
		{
			bad[i] = (double) (crm_match_random(&seed) >> 11) / 9007199254740992.0;
			gone[i] = (double) (crm_match_random(&seed) >> 11) / 9007199254740992.0;
		}
		for (int i = 0; i < parts; i++)
		{
			double		own = (double) (crm_match_random(&seed) >> 11) / 9007199254740992.0;
			double		draw = own < 0.3 ? own / 0.3 : bad[part[i].comparison];

			if (draw < pow(part[i].agree, dirt) && gone[part[i].comparison] < part[i].fill * part[i].fill)
				part[i].seen[match / 64] |= UINT64_C(1) << (match % 64);
		}
	}
}

/* Three parts where two are not yet selective and all three are likely to agree. */
static int
list_triples(const Part *part, int parts, double records, Choice *choice, int choices)
{
	for (int i = 0; i < parts; i++)
		for (int j = i + 1; j < parts; j++)
			for (int k = j + 1; k < parts && choices < CHOICE_TOP; k++)
			{
				double		agree = part[i].agree * part[j].agree * part[k].agree;
				double		chance = part[i].chance * part[j].chance;

				if (part[i].comparison != part[j].comparison && part[k].comparison != part[j].comparison &&
					part[k].comparison != part[i].comparison && agree > 0.5 && chance * 3 * records > 20)
					choice[choices++] = (Choice) {3, {i, j, k}, chance * part[k].chance * 9 * records, false};
			}
	return choices;
}

/*
 * Choices of one part, of two and of three of different comparisons.  Keys that
 * agree together agree more often than chance would have it: a factor of three each.
 */
static int
list_choices(const Part *part, int parts, uint64_t total, Choice *choice)
{
	int			choices = 0;
	double		records = (double) total;

	for (int i = 0; i < parts; i++)
	{
		choice[choices++] = (Choice) {1, {i}, part[i].chance * records, false};
		for (int j = i + 1; j < parts && choices < CHOICE_TOP - PART_TOP; j++)
			if (part[i].comparison != part[j].comparison)
				choice[choices++] = (Choice) {2, {i, j}, part[i].chance * part[j].chance * 3 * records, false};
	}
	return total > 20000 ? list_triples(part, parts, records, choice, choices) : choices;
}

/* New matches that a choice finds, less where the pairs it makes go above what it may spend. */
static double
gain(const Part *part, const Choice *choice, const uint64_t *covered, double spend)
{
	int			found = 0;

	for (int word = 0; word <= IMAGINED / 64; word++)
	{
		uint64_t	seen = ~covered[word];

		for (int i = 0; i < choice->count; i++)
			seen &= part[choice->part[i]].seen[word];
		found += __builtin_popcountll(seen);
	}
	return found * (choice->pairs > spend ? pow(spend / choice->pairs, 0.7) : 1) / (1 + 0.02 * fmin(choice->pairs / spend, 1));
}

static void
take(const Part *part, Choice *choice, uint64_t *covered, CrmMatchSettings *settings)
{
	CrmMatchRule *rule = &settings->rule[settings->rule_count++];

	choice->taken = true;
	rule->count = choice->count;
	for (int i = 0; i < choice->count; i++)
	{
		rule->part[i].comparison = part[choice->part[i]].comparison;
		rule->part[i].family = part[choice->part[i]].family;
	}
	for (int word = 0; word <= IMAGINED / 64; word++)
	{
		uint64_t	seen = ~UINT64_C(0);

		for (int i = 0; i < choice->count; i++)
			seen &= part[choice->part[i]].seen[word];
		covered[word] |= seen;
	}
}

static void
choose(const Part *part, Choice *choice, int choices, double spend, CrmMatchSettings *settings)
{
	uint64_t	covered[IMAGINED / 64 + 1] = {0};

	while (settings->rule_count < RULES_WANTED)
	{
		int			best = -1;
		double		most = 0.4;

		for (int i = 0; i < choices; i++)
		{
			double		here = choice[i].taken ? 0 : gain(part, &choice[i], covered, spend);

			if (here > most)
			{
				most = here;
				best = i;
			}
		}
		if (best < 0)
			break;
		take(part, &choice[best], covered, settings);
	}
}

CrmMatchCode
crm_match_suggest_rules(const CrmMatchText *value, size_t rows, uint64_t total, CrmMatchSettings *settings, CrmMatchFault *fault)
{
	size_t		looked = rows < RULE_ROWS ? rows : RULE_ROWS;
	unsigned char **prepared = calloc(looked + 1, sizeof(*prepared));
	unsigned char *buffer = malloc(CRM_MATCH_PREPARED_MAX);
	CrmMatchEntry *entry = malloc((looked * 16 + 1) * sizeof(*entry));
	Part	   *part = malloc(PART_TOP * sizeof(*part));
	Choice	   *choice = malloc(CHOICE_TOP * sizeof(*choice));
	bool		ok = prepared != NULL && buffer != NULL && entry != NULL && part != NULL && choice != NULL;
	double		budget = fmax(12000000.0, 14.0 * (double) total) / RULES_WANTED / (double) (total + 1) * 2;
	int			parts;

	for (size_t row = 0; row < looked && ok; row++)
	{
		size_t		length = crm_match_prepare(settings, value + row * (size_t) settings->column_count, buffer, CRM_MATCH_PREPARED_MAX);

		prepared[row] = malloc(length);
		ok = prepared[row] != NULL;
		if (ok)
			memcpy(prepared[row], buffer, length);
	}
	parts = ok ? list_parts(settings, prepared, looked, entry, part) : -1;
	if (parts >= 0)
	{
		imagine(part, parts, settings->seed);
		choose(part, choice, list_choices(part, parts, total, choice), budget, settings);
	}
	for (size_t row = 0; row < looked && prepared != NULL; row++)
		free(prepared[row]);
	free(prepared);
	free(buffer);
	free(entry);
	free(part);
	free(choice);
	if (parts < 0)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "rules");
	return settings->rule_count == 0 ? crm_match_fail(fault, CRM_MATCH_NO_RULES, "") : CRM_MATCH_OK;
}
