/*
 * match_engine_core.c: the engine's records: settings, preparing, keys, memory.
 */
#include "match_inside_core.h"
#include "match_cn_core.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK_BYTES	(1 << 20)
#define CHUNK_LARGE	(8 << 20)	/* from the second on */
#define LARGE_PAGE	(2 << 20)	/* of memory, where the system has such */

static const CrmMatchKind *const kinds[] = {
	&crm_match_kind_exact, &crm_match_kind_levenshtein, &crm_match_kind_damerau, &crm_match_kind_jaro_winkler,
	&crm_match_kind_jaccard, &crm_match_kind_name, &crm_match_kind_title, &crm_match_kind_date,
	&crm_match_kind_email, &crm_match_kind_numeric, &crm_match_kind_postcode, &crm_match_kind_address,
	&crm_match_kind_phone,
	&crm_match_cn_name, &crm_match_cn_id_number, &crm_match_cn_phone, &crm_match_cn_address,
	&crm_match_cn_company_name,
	NULL
};

const CrmMatchKind *
crm_match_kind_at(int number)
{
	return number >= 0 && number < (int) (sizeof(kinds) / sizeof(kinds[0])) ? kinds[number] : NULL;
}

const CrmMatchKind *
crm_match_kind_find(const char *name)
{
	for (int i = 0; kinds[i] != NULL; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

static int
names(const char *const *name)
{
	int			count = 0;

	while (name[count] != NULL)
		count++;
	return count;
}

int
crm_match_kind_levels(const CrmMatchKind *kind)
{
	return names(kind->level);
}

int
crm_match_kind_families(const CrmMatchKind *kind)
{
	return names(kind->family);
}

bool
crm_match_kind_conflicts(const CrmMatchKind *kind)
{
	return strcmp(kind->level[names(kind->level) - 1], "conflict") == 0;
}

const char *
crm_match_reason(CrmMatchCode code)
{
	static const char *const reason[] = {
		"no fault", "out of memory, or above the memory budget", "canceled", "the settings contradict themselves",
		"no column can be compared", "no blocking rule", "too many records or pairs", "damaged bytes",
		"a step is missing before this one", "a worker thread cannot be started"
	};

	return code <= CRM_MATCH_THREAD ? reason[code] : "unknown";
}

CrmMatchCode
crm_match_fail(CrmMatchFault *fault, CrmMatchCode code, const char *detail)
{
	if (fault != NULL)
	{
		fault->code = code;
		snprintf(fault->detail, sizeof(fault->detail), "%s", detail);
	}
	return code;
}

/* -- settings ----------------------------------------------------------------- */

void
crm_match_settings_init(CrmMatchSettings *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->block_cap = 2000;
	settings->pair_budget = 0;
	settings->random_pairs = 1000000;
	settings->em_rounds = 40;
	settings->seed = 1;
	settings->keep_weight = -6;
}

static CrmMatchCode
check_comparison(const CrmMatchSettings *settings, int number, CrmMatchFault *fault)
{
	const CrmMatchComparison *comparison = &settings->comparison[number];

	if (comparison->kind == NULL)
		return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a comparison has no kind");
	if (comparison->column_count < 1 || comparison->column_count > CRM_MATCH_JOIN_MAX)
		return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a comparison reads one to four columns");
	for (int i = 0; i < comparison->column_count; i++)
		if (comparison->column[i] < 0 || comparison->column[i] >= settings->column_count)
			return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a comparison reads a column that is not there");
	if (comparison->arg.count < 0 || comparison->arg.count > CRM_MATCH_LEVEL_MAX)
		return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a comparison has too many thresholds");
	for (int i = 0; i < comparison->arg.count; i++)
		if (!(comparison->arg.threshold[i] >= 0 && comparison->arg.threshold[i] <= CRM_MATCH_VALUE_MAX))
			return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a threshold is out of range");
	return CRM_MATCH_OK;
}

static CrmMatchCode
check_rule(const CrmMatchSettings *settings, int number, CrmMatchFault *fault)
{
	const CrmMatchRule *rule = &settings->rule[number];

	if (rule->count < 1 || rule->count > CRM_MATCH_PART_MAX)
		return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a blocking rule has one to three parts");
	for (int i = 0; i < rule->count; i++)
	{
		int			comparison = rule->part[i].comparison;

		if (comparison < 0 || comparison >= settings->comparison_count)
			return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a blocking rule names a comparison that is not there");
		if (rule->part[i].family < 0 ||
			rule->part[i].family >= crm_match_kind_families(settings->comparison[comparison].kind))
			return crm_match_fail(fault, CRM_MATCH_SETTINGS, "a blocking rule names a key that its kind does not give");
	}
	return CRM_MATCH_OK;
}

CrmMatchCode
crm_match_settings_check(const CrmMatchSettings *settings, CrmMatchFault *fault)
{
	CrmMatchCode code = CRM_MATCH_OK;

	if (settings->comparison_count < 1)
		return crm_match_fail(fault, CRM_MATCH_NO_COLUMNS, "");
	if (settings->comparison_count > CRM_MATCH_COMPARISON_MAX || settings->column_count > CRM_MATCH_COLUMN_MAX ||
		settings->rule_count > CRM_MATCH_RULE_MAX)
		return crm_match_fail(fault, CRM_MATCH_SETTINGS, "too many comparisons, columns or rules");
	if (settings->rule_count < 1)
		return crm_match_fail(fault, CRM_MATCH_NO_RULES, "");
	for (int i = 0; i < settings->comparison_count && code == CRM_MATCH_OK; i++)
		code = check_comparison(settings, i, fault);
	for (int i = 0; i < settings->rule_count && code == CRM_MATCH_OK; i++)
		code = check_rule(settings, i, fault);
	return code;
}

/* -- one record --------------------------------------------------------------- */

/* Text that a comparison reads: one column, or several with a mark between. */
static size_t
join_columns(const CrmMatchComparison *comparison, const CrmMatchText *column, char *out, const char **text)
{
	size_t		written = 0;
	bool		any = false;

	if (comparison->column_count == 1)
	{
		*text = column[comparison->column[0]].text;
		return *text == NULL ? 0 : column[comparison->column[0]].length;
	}
	for (int i = 0; i < comparison->column_count; i++)
	{
		const CrmMatchText *value = &column[comparison->column[i]];
		size_t		length = value->text == NULL ? 0 : value->length;

		if (length > CRM_MATCH_VALUE_MAX)
			length = CRM_MATCH_VALUE_MAX;
		if (i > 0)
			out[written++] = CRM_MATCH_SEPARATOR;
		for (size_t j = 0; j < length; j++)
			out[written++] = value->text[j] == CRM_MATCH_SEPARATOR ? ' ' : value->text[j];
		any |= length > 0;
	}
	*text = out;
	return any ? written : 0;
}

/* Layout: number of comparisons, two bytes of length each, then the values. */
size_t
crm_match_prepare(const CrmMatchSettings *settings, const CrmMatchText *column, unsigned char *out, size_t room)
{
	int			count = settings->comparison_count;
	size_t		at = 1 + 2 * (size_t) count;

	if (room < at + (size_t) count * CRM_MATCH_VALUE_MAX)
		return 0;
	out[0] = (unsigned char) count;
	for (int i = 0; i < count; i++)
	{
		const CrmMatchComparison *comparison = &settings->comparison[i];
		char		joined[CRM_MATCH_JOIN_MAX * (CRM_MATCH_VALUE_MAX + 1)];
		const char *text;
		size_t		length = join_columns(comparison, column, joined, &text);
		size_t		bytes = 0;

		if (length > CRM_MATCH_VALUE_MAX * CRM_MATCH_JOIN_MAX)
			length = CRM_MATCH_VALUE_MAX * CRM_MATCH_JOIN_MAX;
		if (length > 0)
			bytes = comparison->kind->prepare(&comparison->arg, text, length, out + at, CRM_MATCH_VALUE_MAX);
		out[1 + 2 * i] = (unsigned char) (bytes >> 8);
		out[2 + 2 * i] = (unsigned char) bytes;
		at += bytes;
	}
	return at;
}

static inline size_t
value_length(const unsigned char *prepared, int comparison)
{
	return (size_t) prepared[1 + 2 * comparison] << 8 | prepared[2 + 2 * comparison];
}

bool
crm_match_prepared_valid(const CrmMatchSettings *settings, const unsigned char *prepared, size_t length)
{
	size_t		at = 1 + 2 * (size_t) settings->comparison_count;

	if (length < at || prepared[0] != settings->comparison_count)
		return false;
	for (int i = 0; i < settings->comparison_count; i++)
		at += value_length(prepared, i);
	return at == length;
}

const unsigned char *
crm_match_value(const unsigned char *prepared, int comparison, size_t *length)
{
	size_t		at = 1 + 2 * (size_t) prepared[0];

	for (int i = 0; i < comparison; i++)
		at += value_length(prepared, i);
	*length = value_length(prepared, comparison);
	return prepared + at;
}

/* Keys of one comparison, made once per record for all rules that use it. */
typedef struct ValueKeys
{
	int			count;
	CrmMatchKey key[CRM_MATCH_KEY_MAX];
} ValueKeys;

static int
add_record_key(CrmMatchRecordKey *key, int keys, int first, int room, int rule, uint64_t hash)
{
	for (int i = first; i < keys; i++)
		if (key[i].hash == hash)
			return keys;
	if (keys < room)
	{
		key[keys].rule = rule;
		key[keys++].hash = hash;
	}
	return keys;
}

/* Every choice of one key per part. */
static int
rule_keys(const CrmMatchRule *rule, int number, const ValueKeys *value, int part, uint64_t hash,
		  CrmMatchRecordKey *key, int keys, int first, int room)
{
	const ValueKeys *here;

	if (part == rule->count)
		return add_record_key(key, keys, first, room, number, hash);
	here = &value[rule->part[part].comparison];
	for (int i = 0; i < here->count; i++)
		if (here->key[i].family == rule->part[part].family)
			keys = rule_keys(rule, number, value, part + 1, crm_match_stir(hash ^ here->key[i].hash) + (uint64_t) part,
							 key, keys, first, room);
	return keys;
}

int
crm_match_keys(const CrmMatchSettings *settings, const unsigned char *prepared, CrmMatchRecordKey *key, int room)
{
	ValueKeys	value[CRM_MATCH_COMPARISON_MAX];
	size_t		at = 1 + 2 * (size_t) settings->comparison_count;
	int			keys = 0;

	for (int i = 0; i < settings->comparison_count; i++)
	{
		size_t		length = value_length(prepared, i);

		value[i].count = length == 0 ? 0 :
			settings->comparison[i].kind->keys(prepared + at, length, value[i].key, CRM_MATCH_KEY_MAX);
		at += length;
	}
	for (int i = 0; i < settings->rule_count; i++)
		keys = rule_keys(&settings->rule[i], i, value, 0, crm_match_stir((uint64_t) i + 1), key, keys, keys, room);
	return keys;
}

int
crm_match_terms(const CrmMatchSettings *settings, const unsigned char *prepared, CrmMatchTerm *term, int room)
{
	int			terms = 0;

	for (int i = 0; i < settings->comparison_count; i++)
	{
		const CrmMatchComparison *comparison = &settings->comparison[i];
		size_t		length;
		const unsigned char *value = crm_match_value(prepared, i, &length);

		if (!comparison->term_frequency || length == 0 || comparison->kind->term == NULL)
			continue;
		for (int level = 1; level < crm_match_kind_levels(comparison->kind) && terms < room; level++)
		{
			uint64_t	hash = comparison->kind->term(value, length, level);

			if (hash == 0)
				continue;
			term[terms].comparison = i;
			term[terms].level = level;
			term[terms].hash = hash;
			term[terms++].count = 0;
		}
	}
	return terms;
}

/* -- memory ------------------------------------------------------------------- */

/* What is large is read here and there: pages of the usual size would be looked up each time. */
static void *
new_memory(size_t bytes)
{
	void	   *memory;

	if (bytes < 2 * LARGE_PAGE)
		return malloc(bytes > 0 ? bytes : 1);
	if (posix_memalign(&memory, LARGE_PAGE, bytes) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	(void) madvise(memory, bytes & ~(size_t) (LARGE_PAGE - 1), MADV_HUGEPAGE);
#endif
	return memory;
}

/* Counted before it is taken: workers ask at the same time. */
static bool
count_memory(CrmMatchEngine *engine, size_t bytes)
{
	size_t		taken = __atomic_add_fetch(&engine->memory, bytes, __ATOMIC_RELAXED);

	if (engine->host.memory == 0 || taken <= engine->host.memory)
		return true;
	__atomic_sub_fetch(&engine->memory, bytes, __ATOMIC_RELAXED);
	return false;
}

void *
crm_match_take(CrmMatchEngine *engine, size_t count, size_t size)
{
	size_t		bytes = count * size;
	void	   *memory;

	if ((size != 0 && count > SIZE_MAX / 2 / size) || !count_memory(engine, bytes))
		return NULL;
	memory = new_memory(bytes);
	if (memory == NULL)
		__atomic_sub_fetch(&engine->memory, bytes, __ATOMIC_RELAXED);
	return memory;
}

/* count is no less than before. */
void *
crm_match_take_more(CrmMatchEngine *engine, void *old, size_t old_count, size_t count, size_t size)
{
	size_t		bytes = (count - old_count) * size;
	void	   *memory;

	if ((size != 0 && count > SIZE_MAX / 2 / size) || !count_memory(engine, bytes))
		return NULL;
	memory = realloc(old, count * size);
	if (memory == NULL)
		__atomic_sub_fetch(&engine->memory, bytes, __ATOMIC_RELAXED);
	return memory;
}

void
crm_match_give(CrmMatchEngine *engine, void *memory, size_t count, size_t size)
{
	if (memory == NULL)
		return;
	free(memory);
	__atomic_sub_fetch(&engine->memory, count * size, __ATOMIC_RELAXED);
}

bool
crm_match_stop(CrmMatchEngine *engine)
{
	return engine->host.canceled != NULL && engine->host.canceled(engine->host.context);
}

void
crm_match_tell(CrmMatchEngine *engine, const char *phase, uint64_t done, uint64_t total)
{
	if (engine->host.progress != NULL)
		engine->host.progress(engine->host.context, phase, done, total);
}

/* -- the engine --------------------------------------------------------------- */

CrmMatchEngine *
crm_match_create(const CrmMatchSettings *settings, const CrmMatchHost *host, CrmMatchFault *fault)
{
	CrmMatchEngine *engine;

	if (crm_match_settings_check(settings, fault) != CRM_MATCH_OK)
		return NULL;
	engine = calloc(1, sizeof(CrmMatchEngine));
	if (engine == NULL)
	{
		crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "");
		return NULL;
	}
	engine->settings = *settings;
	if (host != NULL)
		engine->host = *host;
	engine->memory = sizeof(CrmMatchEngine);
	engine->model.comparison_count = settings->comparison_count;
	return engine;
}

void
crm_match_destroy(CrmMatchEngine *engine)
{
	if (engine == NULL)
		return;
	while (engine->chunk != NULL)
	{
		CrmMatchChunk *next = engine->chunk->next;

		free(engine->chunk);
		engine->chunk = next;
	}
	for (int i = 0; i < engine->slots; i++)
	{
		free(engine->slot[i].rarity);
		free(engine->slot[i].term);
	}
	free(engine->record);
	free(engine->source);
	free(engine->blocks.member);
	free(engine->blocks.start);
	free(engine->blocks.record_start);
	free(engine->blocks.record_block);
	free(engine->tally.entry);
	free(engine->vector);
	free(engine->pair);
	free(engine->cluster);
	free(engine);
}

static unsigned char *
chunk_room(CrmMatchEngine *engine, size_t bytes)
{
	if (engine->chunk == NULL || engine->chunk->room - engine->chunk->used < bytes)
	{
		size_t		usual = (engine->chunk == NULL ? CHUNK_BYTES : CHUNK_LARGE) - sizeof(CrmMatchChunk);
		size_t		room = bytes > usual ? bytes : usual;
		CrmMatchChunk *chunk = crm_match_take(engine, 1, sizeof(CrmMatchChunk) + room);

		if (chunk == NULL)
			return NULL;
		chunk->next = engine->chunk;
		chunk->used = 0;
		chunk->room = room;
		engine->chunk = chunk;
	}
	return engine->chunk->bytes + engine->chunk->used;
}

static bool
more_records(CrmMatchEngine *engine)
{
	size_t		room = engine->record_room == 0 ? 1024 : engine->record_room * 2;
	const unsigned char **record;
	uint32_t   *source;

	if (engine->records < engine->record_room)
		return true;
	record = crm_match_take_more(engine, engine->record, engine->record_room, room, sizeof(*record));
	if (record == NULL)
		return false;
	engine->record = record;
	source = crm_match_take_more(engine, engine->source, engine->record_room, room, sizeof(*source));
	if (source == NULL)
		return false;
	engine->source = source;
	engine->record_room = room;
	return true;
}

CrmMatchCode
crm_match_add_prepared(CrmMatchEngine *engine, uint32_t source, const unsigned char *prepared, size_t length,
					   CrmMatchFault *fault)
{
	unsigned char *at;

	if (!crm_match_prepared_valid(&engine->settings, prepared, length))
		return crm_match_fail(fault, CRM_MATCH_FORM, "prepared bytes do not fit the settings");
	if (engine->blocked)
		return crm_match_fail(fault, CRM_MATCH_ORDER, "records come before blocks");
	if (engine->records >= INT32_MAX)
		return crm_match_fail(fault, CRM_MATCH_TOO_MANY, "");
	at = chunk_room(engine, length);
	if (at == NULL || !more_records(engine))
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "records");
	memcpy(at, prepared, length);
	engine->chunk->used += length;
	engine->record[engine->records] = at;
	engine->source[engine->records++] = source;
	return CRM_MATCH_OK;
}

CrmMatchCode
crm_match_add_record(CrmMatchEngine *engine, uint32_t source, const CrmMatchText *column, CrmMatchFault *fault)
{
	unsigned char prepared[CRM_MATCH_PREPARED_MAX];
	size_t		length = crm_match_prepare(&engine->settings, column, prepared, sizeof(prepared));

	return crm_match_add_prepared(engine, source, prepared, length, fault);
}

uint32_t
crm_match_records(const CrmMatchEngine *engine)
{
	return (uint32_t) engine->records;
}

const unsigned char *
crm_match_record(const CrmMatchEngine *engine, uint32_t record, size_t *length)
{
	const unsigned char *prepared = engine->record[record];
	size_t		last;
	const unsigned char *value = crm_match_value(prepared, prepared[0] - 1, &last);

	*length = (size_t) (value - prepared) + last;
	return prepared;
}

const CrmMatchModel *
crm_match_model(const CrmMatchEngine *engine)
{
	return &engine->model;
}

void
crm_match_rule_report(const CrmMatchEngine *engine, int rule, CrmMatchRuleReport *report)
{
	*report = engine->report[rule];
}

const CrmMatchPair *
crm_match_pairs(const CrmMatchEngine *engine, size_t *count)
{
	*count = engine->pairs;
	return engine->pair;
}

uint64_t
crm_match_candidates(const CrmMatchEngine *engine)
{
	return engine->candidates;
}

const uint32_t *
crm_match_clusters(const CrmMatchEngine *engine)
{
	return engine->cluster;
}
