/*
 * match_find.c: one record against a model's pages, without the engine.
 *
 * Its keys lead to blocks, blocks to records, records to scores: what a run
 * does for a million records at once, with the same rules and the same caps.
 * What is found comes with its reasons, or the record is added and joins a
 * cluster.
 */
#include "match_find.h"
#include "match_inside_core.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "pii/pii.h"

/* Cross pairs of two clusters that are scored before they may merge. */
#define MERGE_PAIRS 2500
/* Members of a cluster that is made anew; a larger one waits for the next run. */
#define RECLUSTER_MOST 200

/* -- saved statements --------------------------------------------------------------------- */

typedef enum Statement
{
	MODEL_VERSION,
	KEYS_ADDED,
	RECORDS_ADDED,
	ANY_GONE,
	GONE,
	ID_ADDED,
	WENT_INTO,
	MEMBERS,
	NEXT_RECORD,
	NEXT_CLUSTER,
	ADD_RECORD,
	ADD_KEYS,
	ADD_PAIRS,
	SET_CLUSTER,
	ADD_GONE,
	DROP_KEYS,
	DROP_RECORD,
	DROP_PAIRS,
	MOVE_RECORD,
	ANY_JUDGED,
	JUDGED_OF,
	JUDGED_AMONG,
	PARTED,
	STATEMENTS
} Statement;

static const struct
{
	const char *text;
	int			arguments;
	Oid			types[5];
}			statement[STATEMENTS] =
{
	[MODEL_VERSION] = {"SELECT version FROM crm_data.match_model WHERE name = $1", 1, {TEXTOID}},
	[KEYS_ADDED] = {"SELECT h, k.record FROM unnest($2) h, LATERAL (SELECT x.record FROM crm_data.match_key x WHERE x.model_id = $1 AND x.hash = h OFFSET 0) k",
	2, {INT4OID, INT8ARRAYOID}},
	[RECORDS_ADDED] = {"SELECT r.record, r.prepared, r.cluster_id, r.id FROM unnest($2) n, LATERAL (SELECT * FROM crm_data.match_record x WHERE x.model_id = $1 AND x.record = n OFFSET 0) r",
	2, {INT4OID, INT8ARRAYOID}},
	[ANY_GONE] = {"SELECT FROM crm_data.match_gone WHERE model_id = $1 LIMIT 1", 1, {INT4OID}},
	[GONE] = {"SELECT record FROM crm_data.match_gone WHERE model_id = $1 AND record = ANY ($2)", 2, {INT4OID, INT8ARRAYOID}},
	[ID_ADDED] = {"SELECT record FROM crm_data.match_record WHERE model_id = $1 AND id = $2", 2, {INT4OID, TEXTOID}},
	[WENT_INTO] = {"SELECT went_into FROM crm_data.match_cluster WHERE model_id = $1 AND cluster_id = $2", 2, {INT4OID, INT8OID}},
	[MEMBERS] = {"SELECT members FROM crm_data.match_cluster WHERE model_id = $1 AND cluster_id = $2", 2, {INT4OID, INT8OID}},
	[NEXT_RECORD] = {"UPDATE crm_data.match_counter SET next_record = next_record + 1 WHERE model_id = $1 RETURNING next_record - 1", 1, {INT4OID}},
	[NEXT_CLUSTER] = {"UPDATE crm_data.match_counter SET next_cluster = next_cluster + 1 WHERE model_id = $1 RETURNING next_cluster - 1", 1, {INT4OID}},
	[ADD_RECORD] = {"INSERT INTO crm_data.match_record (model_id, record, id, cluster_id, prepared) VALUES ($1, $2, $3, $4, $5)", 5, {INT4OID, INT8OID, TEXTOID, INT8OID, BYTEAOID}},
	[ADD_KEYS] = {"INSERT INTO crm_data.match_key (model_id, hash, record) SELECT DISTINCT $1, h, $3 FROM unnest($2) h", 3, {INT4OID, INT8ARRAYOID, INT8OID}},
	[ADD_PAIRS] = {"INSERT INTO crm_data.match_pair (model_id, record_r, record_l, weight, vector) SELECT $1, $2, l, w, v FROM unnest($3, $4, $5) u (l, w, v)",
	5, {INT4OID, INT8OID, INT8ARRAYOID, FLOAT8ARRAYOID, INT8ARRAYOID}},
	[SET_CLUSTER] = {"INSERT INTO crm_data.match_cluster (model_id, cluster_id, went_into, members) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (model_id, cluster_id) DO UPDATE SET went_into = excluded.went_into, members = excluded.members",
	4, {INT4OID, INT8OID, INT8OID, INT8ARRAYOID}},
	[ADD_GONE] = {"INSERT INTO crm_data.match_gone (model_id, record) VALUES ($1, $2)", 2, {INT4OID, INT8OID}},
	[DROP_KEYS] = {"DELETE FROM crm_data.match_key WHERE model_id = $1 AND record = $2", 2, {INT4OID, INT8OID}},
	[DROP_RECORD] = {"DELETE FROM crm_data.match_record WHERE model_id = $1 AND record = $2", 2, {INT4OID, INT8OID}},
	[DROP_PAIRS] = {"DELETE FROM crm_data.match_pair WHERE model_id = $1 AND (record_r = $2 OR record_l = $2)", 2, {INT4OID, INT8OID}},
	[MOVE_RECORD] = {"UPDATE crm_data.match_record SET cluster_id = $3 WHERE model_id = $1 AND record = $2", 3, {INT4OID, INT8OID, INT8OID}},
	[ANY_JUDGED] = {"SELECT FROM crm_data.match_label WHERE model_id = $1 LIMIT 1", 1, {INT4OID}},
	[JUDGED_OF] = {"SELECT id_r, verdict = 'same' FROM crm_data.match_label WHERE model_id = $1 AND id_l = $2"
		" UNION ALL SELECT id_l, verdict = 'same' FROM crm_data.match_label WHERE model_id = $1 AND id_r = $2", 2, {INT4OID, TEXTOID}},
	[JUDGED_AMONG] = {"SELECT array_position($2, id_l) - 1, array_position($2, id_r) - 1, verdict = 'same' FROM crm_data.match_label"
		" WHERE model_id = $1 AND id_l = ANY ($2) AND id_r = ANY ($2) ORDER BY id_l, id_r", 2, {INT4OID, TEXTARRAYOID}},
	[PARTED] = {"SELECT FROM crm_data.match_label WHERE model_id = $1 AND verdict <> 'same' AND id_l = ANY ($2) AND id_r = ANY ($3)"
		" UNION ALL SELECT FROM crm_data.match_label WHERE model_id = $1 AND verdict <> 'same' AND id_l = ANY ($3) AND id_r = ANY ($2) LIMIT 1",
	3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}},
};

static SPIPlanPtr plans[STATEMENTS];

/* As crm_owner; the rows are in SPI_tuptable. */
static uint64
run(Statement which, Datum *values, const char *nulls)
{
	if (plans[which] == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement[which].text, statement[which].arguments, (Oid *) statement[which].types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "crm: match statement %d", which);
		plans[which] = plan;
	}
	if (SPI_execute_plan(plans[which], values, nulls, false, 0) < 0)
		elog(ERROR, "crm: match statement %d failed", which);
	return SPI_processed;
}

static int64
answer(uint64 row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

static Datum
int8_array(const int64 *values, int count)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = Int64GetDatum(values[i]);
	return PointerGetDatum(construct_array(elements, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* -- models, kept between calls -------------------------------------------------------------- */

#define KEPT 4

typedef struct Kept
{
	MemoryContext context;
	CrmMatchStored *model;
} Kept;

static Kept kept[KEPT];
static int	next_kept;

static int32
version_now(const char *name)
{
	Datum		value = CStringGetTextDatum(name);
	CrmMatchOwner owner;
	int32		version = 0;
	bool		isnull;

	crm_match_owner_begin(&owner);
	if (run(MODEL_VERSION, &value, NULL) > 0)
		version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	crm_match_owner_end(&owner);
	return version;
}

static CrmMatchStored *
keep_model(const char *name, bool trusted)
{
	Kept	   *slot = &kept[next_kept++ % KEPT];
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "crm match model", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	CrmMatchStored *model;

	if (slot->context != NULL)
		MemoryContextDelete(slot->context);
	slot->context = context;
	slot->model = NULL;
	model = crm_match_model_load_for(name, false, trusted);
	crm_match_model_require_run(model);
	crm_match_model_secret(model);
	model->scale = palloc(sizeof(CrmMatchScale));
	crm_match_scale(&model->fit, model->scale);
	model->directory = NULL;
	model->context = context;
	slot->model = model;
	MemoryContextSwitchTo(before);
	return model;
}

/*
 * The model, read again only when it has changed.  trusted: the caller answers
 * for the rights, as a trigger does that shows nothing.
 */
static CrmMatchStored *
find_model(const char *name, bool trusted)
{
	int32		version = version_now(name);

	for (int i = 0; i < KEPT; i++)
	{
		CrmMatchStored *model = kept[i].model;

		if (model == NULL || model->version != version || strcmp(model->name, name) != 0)
			continue;
		if (!trusted)
			crm_match_source_require(model->source_oid, model->plan, model->owner);
		return model;
	}
	return keep_model(name, trusted);
}

/* -- one call's work ---------------------------------------------------------------------------- */

void
crm_match_find_open(CrmMatchFind *find, const char *name, bool trusted)
{
	memset(find, 0, sizeof(*find));
	find->self = -1;
	SPI_connect();
	find->model = find_model(name, trusted);
	crm_match_owner_begin(&find->owner);
}

static void
open_readers(CrmMatchFind *find)
{
	const CrmMatchStored *model = find->model;

	if (find->keys != NULL)
		return;
	find->keys = crm_match_reader(model->model_id, model->run, model->sealed);
	find->records = crm_match_reader(model->model_id, model->run, model->sealed);
	find->terms = crm_match_reader(model->model_id, model->run, model->sealed);
}

void
crm_match_find_close(CrmMatchFind *find)
{
	if (find->keys != NULL)
	{
		crm_match_reader_end(find->keys);
		crm_match_reader_end(find->records);
		crm_match_reader_end(find->terms);
	}
	if (find->pushed)
		PopActiveSnapshot();
	crm_match_owner_end(&find->owner);
	SPI_finish();
}

/* -- reading pages ------------------------------------------------------------------------------- */

/* A record on the page at hand; NULL when it stands on another. */
static const unsigned char *
on_page(const CrmMatchFind *find, int64 record, size_t *length)
{
	return (const unsigned char *) crm_match_record_on_page(find->page_body, find->page_size, (uint64) (record - find->page_first), length);
}

/* Prepared bytes of a record of the run; valid until the next one. */
static const unsigned char *
run_record(CrmMatchFind *find, int64 record, size_t *length)
{
	const unsigned char *found = NULL;
	uint64		first;

	if (find->page_body != NULL && record >= find->page_first)
		found = on_page(find, record, length);
	if (found != NULL)
		return found;
	find->page_body = NULL;
	if (find->model->directory == NULL)
		find->model->directory = crm_match_directory(find->records, CRM_MATCH_PAGE_RECORD, find->model->context);
	if (!crm_match_read_listed(find->records, find->model->directory, record, &first, &find->page_body, &find->page_size))
		return NULL;
	find->page_first = (int64) first;
	return on_page(find, record, length);
}

/* Id and cluster of a record of the run, as the run left them. */
static bool
run_identity(CrmMatchFind *find, int64 record, text **id, int64 *cluster)
{
	const char *body;
	size_t		size;
	uint64		first;
	uint32		length;

	if (!crm_match_read(find->terms, CRM_MATCH_PAGE_IDENTITY, record, &first, &body, &size))
		return false;
	for (int64 at = (int64) first; size >= sizeof(int64) + sizeof(length); at++)
	{
		memcpy(cluster, body, sizeof(int64));
		memcpy(&length, body + sizeof(int64), sizeof(length));
		if (at == record)
		{
			*id = cstring_to_text_with_len(body + sizeof(int64) + sizeof(length), (int) length);
			return true;
		}
		body += sizeof(int64) + sizeof(length) + length;
		size -= Min(size, sizeof(int64) + sizeof(length) + length);
	}
	return false;
}

/* Entries of (hash, count, count x record): the block of a key, or the members of a cluster. */
static bool
find_block(CrmMatchReader *reader, CrmMatchPageKind kind, uint64 key, const char **records, uint32 *count)
{
	const char *body;
	size_t		size;
	uint64		first;

	if (!crm_match_read(reader, kind, key, &first, &body, &size))
		return false;
	while (size >= sizeof(uint64) + sizeof(uint32))
	{
		uint64		hash;
		size_t		entry;

		memcpy(&hash, body, sizeof(hash));
		memcpy(count, body + sizeof(hash), sizeof(*count));
		*records = body + sizeof(hash) + sizeof(*count);
		if (hash >= key)
			return hash == key;
		entry = sizeof(hash) + sizeof(*count) + (*count <= CRM_MATCH_BLOCK_KEPT || kind == CRM_MATCH_PAGE_CLUSTER ? *count : 0) * sizeof(uint32);
		body += entry;
		size -= Min(size, entry);
	}
	return false;
}

static uint64
count_term(CrmMatchFind *find, int comparison, int level, uint64 term)
{
	uint64		key = crm_match_stored_term(find->model, comparison, level, term);
	CrmMatchKnownTerm *known = &find->known[key % lengthof(find->known)];
	const char *body;
	size_t		size;
	uint64		first;
	size_t		from = 0;
	size_t		to;

	if (known->key == key)
		return known->count;
	known->key = key;
	known->count = 0;
	if (!crm_match_read(find->terms, CRM_MATCH_PAGE_TERM, key, &first, &body, &size))
		return 0;
	for (to = size / 12; from < to;)
	{
		size_t		middle = from + (to - from) / 2;
		uint64		hash;

		memcpy(&hash, body + 12 * middle, sizeof(hash));
		if (hash < key)
			from = middle + 1;
		else
			to = middle;
	}
	if (from < size / 12 && memcmp(body + 12 * from, &key, sizeof(key)) == 0)
	{
		uint32		count;

		memcpy(&count, body + 12 * from + sizeof(key), sizeof(count));
		known->count = count;
	}
	return known->count;
}

/* -- scores as a run gives them ----------------------------------------------------------------------- */

/* Bits that the frequency of a value may take or add: as the engine bounds them. */
#define TERM_LEAST	(-6.0)
#define TERM_MOST	10.0

/*
 * How often a term occurs, of how many: what is not listed occurs once.
 * Rounded down to eighths of a bit, as a run keeps it for each record.
 */
static double
term_bits(CrmMatchFind *find, int comparison, int level, const unsigned char *a, const unsigned char *b)
{
	const CrmMatchComparison *use = &find->model->plan->settings.comparison[comparison];
	double		mean = find->model->fit.term_share[comparison][level];
	uint64		total;
	uint64		most = 1;
	double		bits;

	if (!use->term_frequency || use->kind->term == NULL || mean <= 0 ||
		(total = count_term(find, comparison, level, CRM_MATCH_ALL_TERMS)) == 0)
		return 0;
	for (int side = 0; side < 2; side++)
	{
		size_t		length;
		const unsigned char *value = crm_match_value(side == 0 ? a : b, comparison, &length);
		uint64		term = length == 0 ? 0 : use->kind->term(value, length, level);

		if (term == 0)
			return 0;
		most = Max(most, count_term(find, comparison, level, term));
	}
	bits = floor(Min(255.0, Max(1.0, -log2((double) most / (double) total) * CRM_MATCH_RARITY_STEP))) / CRM_MATCH_RARITY_STEP;
	return Min(TERM_MOST, Max(TERM_LEAST, log2(mean) + bits));
}

/* Whether the weight can still reach the least, were all values as rare as can be. */
static bool
out_of_reach(const CrmMatchStored *model, const CrmMatchScore *score, double least)
{
	double		reach = score->weight;

	for (int i = 0; i < model->plan->settings.comparison_count; i++)
		if (model->fit.term_share[i][crm_match_level(score->vector, i)] > 0)
			reach += TERM_MOST;
	return reach < least;
}

/*
 * As crm_match_score(), with what belongs to the model made once.  Of a pair
 * that stays below least no more is known than that.
 */
static void
score_pair(CrmMatchFind *find, const unsigned char *a, const unsigned char *b, double least, CrmMatchScore *score)
{
	const CrmMatchStored *model = find->model;
	const CrmMatchSettings *settings = &model->plan->settings;
	double		sum;

	memset(score, 0, sizeof(*score));
	score->vector = crm_match_compare(settings, a, b);
	score->conflict = crm_match_is_conflict(settings, score->vector);
	score->prior = log2(fmax(model->fit.prior, 1e-30) / fmax(1 - model->fit.prior, 1e-30));
	score->weight = crm_match_vector_weight(model->scale, score->vector);
	if (out_of_reach(model, score, least))
		return;
	sum = score->prior;
	for (int i = 0; i < settings->comparison_count; i++)
	{
		CrmMatchStep *step = &score->step[i];

		step->level = crm_match_level(score->vector, i);
		if (step->level == 0)
			continue;
		step->weight = model->fit.weight[i][step->level];
		step->term = term_bits(find, i, step->level, a, b);
		score->weight += step->term;
		sum += step->weight + step->term;
	}
	score->interplay = score->weight - sum;
	score->probability = crm_match_probability(score->weight);
}

/* -- candidates ------------------------------------------------------------------------------------ */

static void
add_found(CrmMatchFind *find, int64 record)
{
	if (find->found_count == find->found_room)
	{
		find->found_room = find->found_room == 0 ? 256 : 2 * find->found_room;
		find->found = find->found == NULL ? palloc(sizeof(int64) * find->found_room)
			: repalloc_huge(find->found, sizeof(int64) * find->found_room);
	}
	find->found[find->found_count++] = record;
}

/* With room for one more. */
static CrmMatchCandidate *
next_candidate(CrmMatchFind *find)
{
	if (find->count == find->room)
	{
		find->room = find->room == 0 ? 16 : 2 * find->room;
		find->candidate = find->candidate == NULL ? palloc(sizeof(CrmMatchCandidate) * find->room)
			: repalloc_huge(find->candidate, sizeof(CrmMatchCandidate) * find->room);
	}
	memset(&find->candidate[find->count], 0, sizeof(CrmMatchCandidate));
	return &find->candidate[find->count];
}

static int
by_number(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* Records that were added since the run and share a key; how many for each key. */
static void
read_added_keys(CrmMatchFind *find, int keys)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), int8_array(find->key, keys)};

	find->added_keys = run(KEYS_ADDED, values, NULL);
	find->added = SPI_tuptable;
}

/* Records of the run among all blocks that were taken out since. */
static void
read_gone(CrmMatchFind *find, const int64 *record, int count)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), int8_array(record, count)};

	find->gone_count = (int) run(GONE, values, NULL);
	find->gone = palloc(sizeof(int64) * Max(find->gone_count, 1));
	for (int i = 0; i < find->gone_count; i++)
		find->gone[i] = answer(i, 1);
}

static bool
is_gone(const CrmMatchFind *find, int64 record)
{
	for (int i = 0; i < find->gone_count; i++)
		if (find->gone[i] == record)
			return true;
	return false;
}

static bool
added_key(const CrmMatchFind *find, uint64 row, int64 hash, int64 *record)
{
	bool		isnull;

	if (DatumGetInt64(SPI_getbinval(find->added->vals[row], find->added->tupdesc, 1, &isnull)) != hash)
		return false;
	*record = DatumGetInt64(SPI_getbinval(find->added->vals[row], find->added->tupdesc, 2, &isnull));
	return *record != find->self;
}

/* One block: all of its records, or none when with the new one it is larger than the rule's cap. */
static void
take_block(CrmMatchFind *find, int64 hash, int rule)
{
	size_t		before = find->found_count;
	const char *records;
	uint32		count = 0;
	int64		record;

	if (find_block(find->keys, CRM_MATCH_PAGE_KEY, (uint64) hash, &records, &count))
	{
		if (count > CRM_MATCH_BLOCK_KEPT)
			return;
		for (uint32 i = 0; i < count; i++)
		{
			uint32		number;

			memcpy(&number, records + i * sizeof(number), sizeof(number));
			if (number != find->self && !is_gone(find, number))
				add_found(find, number);
		}
	}
	for (uint64 i = 0; i < find->added_keys; i++)
		if (added_key(find, i, hash, &record))
			add_found(find, record);
	if (find->found_count - before + 1 > find->model->fit.rule_cap[rule])
		find->found_count = before;
}

static void
drop_repeated(CrmMatchFind *find)
{
	size_t		kept_count = 0;

	if (find->found_count > 1)
		qsort(find->found, find->found_count, sizeof(int64), by_number);
	for (size_t i = 0; i < find->found_count; i++)
		if (i == 0 || find->found[i] != find->found[kept_count - 1])
			find->found[kept_count++] = find->found[i];
	find->found_count = kept_count;
}

/* Gone records must be known before blocks are counted. */
static void
find_gone(CrmMatchFind *find, int keys)
{
	int64	   *all;
	int			count = 0;
	int			room = 1024;
	Datum		model = Int32GetDatum(find->model->model_id);

	if (run(ANY_GONE, &model, NULL) == 0)
		return;
	all = palloc(sizeof(int64) * room);
	for (int i = 0; i < keys; i++)
	{
		const char *records;
		uint32		members;

		if (!find_block(find->keys, CRM_MATCH_PAGE_KEY, (uint64) find->key[i], &records, &members) || members > CRM_MATCH_BLOCK_KEPT)
			continue;
		if (count + (int) members > room)
			all = repalloc(all, sizeof(int64) * (room = 2 * room + (int) members));
		for (uint32 m = 0; m < members; m++)
		{
			uint32		number;

			memcpy(&number, records + m * sizeof(number), sizeof(number));
			all[count++] = number;
		}
	}
	if (count > 0)
		read_gone(find, all, count);
	pfree(all);
}

/* What stays below the model's keep weight is no candidate; NULL then. */
static CrmMatchCandidate *
score_one(CrmMatchFind *find, int64 record, const unsigned char *prepared)
{
	CrmMatchCandidate *candidate = next_candidate(find);
	double		least = find->model->plan->settings.keep_weight;

	candidate->record = record;
	score_pair(find, prepared, find->prepared, least, &candidate->score);
	if (!(candidate->score.weight >= least))
		return NULL;
	find->count++;
	return candidate;
}

/* Prepared bytes as a row has them. */
static const unsigned char *
open_prepared(const CrmMatchStored *model, Datum value, unsigned char *room, size_t *length)
{
	struct varlena *stored = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));

	if (model->sealed)
	{
		crm_match_open_bytes(VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored), (char *) room, CRM_MATCH_PREPARED_MAX, length);
		return room;
	}
	*length = VARSIZE_ANY_EXHDR(stored);
	return (const unsigned char *) VARDATA_ANY(stored);
}

static void
score_added(CrmMatchFind *find, const int64 *record, int count)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), int8_array(record, count)};
	uint64		rows = run(RECORDS_ADDED, values, NULL);
	SPITupleTable *added = SPI_tuptable;
	unsigned char *room = palloc(CRM_MATCH_PREPARED_MAX);

	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		size_t		length;
		HeapTuple	row = added->vals[i];
		CrmMatchCandidate *candidate = score_one(find, DatumGetInt64(SPI_getbinval(row, added->tupdesc, 1, &isnull)),
												 open_prepared(find->model, SPI_getbinval(row, added->tupdesc, 2, &isnull), room, &length));

		if (candidate == NULL)
			continue;
		candidate->cluster = DatumGetInt64(SPI_getbinval(row, added->tupdesc, 3, &isnull));
		candidate->id = DatumGetTextPCopy(SPI_getbinval(row, added->tupdesc, 4, &isnull));
	}
	pfree(room);
}

/*
 * All candidates of find->prepared with their scores, those below the model's
 * keep weight left out; by record.
 */
void
crm_match_find_candidates(CrmMatchFind *find)
{
	const CrmMatchStored *model = find->model;
	CrmMatchRecordKey key[CRM_MATCH_RECORD_KEY_MAX];
	int			keys = crm_match_keys(&model->plan->settings, find->prepared, key, CRM_MATCH_RECORD_KEY_MAX);
	size_t		at = 0;

	open_readers(find);
	for (int i = 0; i < keys; i++)
		find->key[i] = (int64) crm_match_stored_key(model, key[i].rule, key[i].hash);
	find->key_count = keys;
	find_gone(find, keys);
	read_added_keys(find, keys);
	for (int i = 0; i < keys; i++)
		take_block(find, find->key[i], key[i].rule);
	drop_repeated(find);
	for (; at < find->found_count && find->found[at] < model->records; at++)
	{
		size_t		length;
		const unsigned char *prepared = run_record(find, find->found[at], &length);

		if (prepared == NULL)
			elog(ERROR, "crm: record " INT64_FORMAT " of model %d is not in its pages", find->found[at], model->model_id);
		(void) score_one(find, find->found[at], prepared);
	}
	if (at < find->found_count)
		score_added(find, find->found + at, (int) (find->found_count - at));
}

/* The cluster that a cluster has become. */
static int64
cluster_now(CrmMatchFind *find, int64 cluster)
{
	for (;;)
	{
		Datum		values[2] = {Int32GetDatum(find->model->model_id), Int64GetDatum(cluster)};
		bool		isnull = true;
		Datum		into = 0;

		if (run(WENT_INTO, values, NULL) > 0)
			into = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		if (isnull)
			return cluster;
		cluster = DatumGetInt64(into);
	}
}

/* Ids and clusters of the candidates from..to. */
void
crm_match_find_identities(CrmMatchFind *find, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
	{
		CrmMatchCandidate *candidate = &find->candidate[i];

		if (candidate->record < find->model->records &&
			!run_identity(find, candidate->record, &candidate->id, &candidate->cluster))
			elog(ERROR, "crm: record " INT64_FORMAT " of model %d has no identity", candidate->record, find->model->model_id);
		candidate->cluster = cluster_now(find, candidate->cluster);
	}
}

/* -- a record by its id ------------------------------------------------------------------------------ */

static int64
run_record_number(CrmMatchFind *find, const char *id, size_t id_length)
{
	uint64		hash = crm_match_id_hash(id, id_length);
	const char *body;
	size_t		size;
	uint64		first;

	if (!crm_match_read(find->keys, CRM_MATCH_PAGE_ID, hash, &first, &body, &size))
		return -1;
	/* The page's buffer may go while identities are read. */
	body = memcpy(palloc(size), body, size);
	for (size_t at = 0; at + 12 <= size; at += 12)
	{
		uint64		here;
		uint32		record;
		text	   *found;
		int64		cluster;

		memcpy(&here, body + at, sizeof(here));
		memcpy(&record, body + at + sizeof(here), sizeof(record));
		if (here == hash && run_identity(find, record, &found, &cluster) &&
			VARSIZE_ANY_EXHDR(found) == id_length && memcmp(VARDATA_ANY(found), id, id_length) == 0)
			return record;
	}
	return -1;
}

/* -1: there is none. */
int64
crm_match_find_record(CrmMatchFind *find, const char *id)
{
	int64		record;
	Datum		values[2] = {Int32GetDatum(find->model->model_id), CStringGetTextDatum(id)};

	open_readers(find);
	if (run(ID_ADDED, values, NULL) > 0)
		return answer(0, 1);
	record = run_record_number(find, id, strlen(id));
	if (record >= 0)
	{
		Datum		gone[2] = {values[0], int8_array(&record, 1)};

		if (run(GONE, gone, NULL) > 0)
			record = -1;
	}
	return record;
}

/* A copy of a record's prepared bytes. */
unsigned char *
crm_match_find_prepared(CrmMatchFind *find, int64 record, size_t *length)
{
	unsigned char *copy = palloc(CRM_MATCH_PREPARED_MAX);
	const unsigned char *prepared;
	bool		isnull;

	open_readers(find);
	if (record < find->model->records)
		prepared = run_record(find, record, length);
	else
	{
		Datum		values[2] = {Int32GetDatum(find->model->model_id), int8_array(&record, 1)};

		if (run(RECORDS_ADDED, values, NULL) == 0)
			return NULL;
		prepared = open_prepared(find->model, SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull), copy, length);
	}
	return prepared == NULL ? NULL : memmove(copy, prepared, *length);
}

void
crm_match_find_score(CrmMatchFind *find, const unsigned char *a, const unsigned char *b, CrmMatchScore *score)
{
	open_readers(find);
	score_pair(find, a, b, -INFINITY, score);
}

/* -- clusters ------------------------------------------------------------------------------------------ */

typedef struct Members
{
	int64	   *record;
	int			count;
} Members;

/* Records of a cluster; one that stands in no list is a single record, which the caller knows. */
static Members
members_of(CrmMatchFind *find, int64 cluster, int64 single)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), Int64GetDatum(cluster)};
	Members		m = {NULL, 0};
	const char *records;
	uint32		count;
	bool		isnull;

	if (run(MEMBERS, values, NULL) > 0)
	{
		ArrayType  *array = DatumGetArrayTypePCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));

		m.count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
		m.record = (int64 *) ARR_DATA_PTR(array);
		return m;
	}
	if (!find_block(find->keys, CRM_MATCH_PAGE_CLUSTER, (uint64) cluster, &records, &count))
	{
		m.record = palloc(sizeof(int64));
		m.record[0] = single;
		m.count = 1;
		return m;
	}
	m.record = palloc(sizeof(int64) * count);
	for (uint32 i = 0; i < count; i++)
	{
		uint32		number;

		memcpy(&number, records + i * sizeof(number), sizeof(number));
		m.record[m.count++] = number;
	}
	return m;
}

static void
set_cluster(CrmMatchFind *find, int64 cluster, int64 into, const int64 *record, int count)
{
	Datum		values[4] = {Int32GetDatum(find->model->model_id), Int64GetDatum(cluster), Int64GetDatum(into), int8_array(record, count)};

	(void) run(SET_CLUSTER, values, into == 0 ? "  n " : NULL);
}

static uint64
cluster_size(void *context, uint64_t cluster)
{
	return members_of(context, (int64) cluster, 0).count;
}

/* -- judgements of people bind here as they bind a run ---------------------------------------------------- */

/* What was said of the new record and one that is known. */
typedef struct Judged
{
	int64		record;
	int64		cluster;
	bool		same;
} Judged;

typedef struct JudgedList
{
	Judged	   *judged;
	int			count;
} JudgedList;

static bool
any_judged(CrmMatchFind *find)
{
	Datum		value = Int32GetDatum(find->model->model_id);

	return run(ANY_JUDGED, &value, NULL) > 0;
}

/* Id and cluster of a record, wherever it stands. */
static text *
identity_of(CrmMatchFind *find, int64 record, int64 *cluster)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), int8_array(&record, 1)};
	text	   *id = NULL;
	bool		isnull;

	if (record < find->model->records)
		(void) run_identity(find, record, &id, cluster);
	else if (run(RECORDS_ADDED, values, NULL) > 0)
	{
		*cluster = answer(0, 3);
		id = DatumGetTextPCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4, &isnull));
	}
	if (id == NULL)
		elog(ERROR, "crm: record " INT64_FORMAT " of model %d has no identity", record, find->model->model_id);
	*cluster = cluster_now(find, *cluster);
	return id;
}

static JudgedList
judged_of(CrmMatchFind *find, const char *id)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), CStringGetTextDatum(id)};
	JudgedList	list = {NULL, 0};
	SPITupleTable *rows;
	uint64		count;

	if (!any_judged(find))
		return list;
	count = run(JUDGED_OF, values, NULL);
	rows = SPI_tuptable;
	list.judged = palloc(sizeof(Judged) * Max(count, 1));
	for (uint64 i = 0; i < count; i++)
	{
		Judged	   *judged = &list.judged[list.count];
		bool		isnull;

		judged->record = crm_match_find_record(find, SPI_getvalue(rows->vals[i], rows->tupdesc, 1));
		if (judged->record < 0)
			continue;
		judged->same = DatumGetBool(SPI_getbinval(rows->vals[i], rows->tupdesc, 2, &isnull));
		(void) identity_of(find, judged->record, &judged->cluster);
		list.count++;
	}
	return list;
}

static Datum
ids_of(CrmMatchFind *find, const Members *members)
{
	Datum	   *id = palloc(sizeof(Datum) * Max(members->count, 1));
	int64		cluster;

	for (int i = 0; i < members->count; i++)
		id[i] = PointerGetDatum(identity_of(find, members->record[i], &cluster));
	return PointerGetDatum(construct_array(id, members->count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Whether somebody said of a record here and one there that they are not the same. */
static bool
parted(CrmMatchFind *find, const Members *here, const Members *there)
{
	Datum		values[3] = {Int32GetDatum(find->model->model_id)};

	if (!any_judged(find))
		return false;
	values[1] = ids_of(find, here);
	values[2] = ids_of(find, there);
	return run(PARTED, values, NULL) > 0;
}

static int64
choose_cluster(CrmMatchFind *find, const JudgedList *list)
{
	CrmMatchEdge *edge = palloc(sizeof(CrmMatchEdge) * (find->count + (size_t) list->count + 1));
	size_t		edges = 0;

	for (size_t i = 0; i < find->count; i++)
		edge[edges++] = (CrmMatchEdge) {(uint64) find->candidate[i].cluster, find->candidate[i].score.weight, find->candidate[i].score.conflict};
	for (int i = 0; i < list->count; i++)
		if (!list->judged[i].same)
			edge[edges++] = (CrmMatchEdge) {(uint64) list->judged[i].cluster, 0, true};
	return edges == 0 ? 0 : (int64) crm_match_join(&find->model->fit, edge, edges, cluster_size, find);
}

/* -- merging of two clusters that the new record holds together ---------------------------------------- */

static bool
share_a_key(const CrmMatchStored *model, const unsigned char *a, const unsigned char *b)
{
	CrmMatchRecordKey ours[CRM_MATCH_RECORD_KEY_MAX];
	CrmMatchRecordKey theirs[CRM_MATCH_RECORD_KEY_MAX];
	int			our_count = crm_match_keys(&model->plan->settings, a, ours, CRM_MATCH_RECORD_KEY_MAX);
	int			their_count = crm_match_keys(&model->plan->settings, b, theirs, CRM_MATCH_RECORD_KEY_MAX);

	for (int i = 0; i < our_count; i++)
		for (int j = 0; j < their_count; j++)
			if (ours[i].hash == theirs[j].hash)
				return true;
	return false;
}

/* What a pair weighs between clusters; a conflict forbids the merge. */
static double
cross_weight(CrmMatchFind *find, int64 left, int64 right, bool *conflict)
{
	size_t		length;
	unsigned char *a = crm_match_find_prepared(find, left, &length);
	unsigned char *b = crm_match_find_prepared(find, right, &length);
	CrmMatchScore score;
	double		weight = find->model->fit.absent;

	if (a != NULL && b != NULL && share_a_key(find->model, a, b))
	{
		crm_match_find_score(find, a, b, &score);
		*conflict |= score.conflict;
		if (score.weight >= find->model->plan->settings.keep_weight)
			weight = score.weight;
	}
	if (a != NULL)
		pfree(a);
	if (b != NULL)
		pfree(b);
	return weight;
}

static bool
belong_together(CrmMatchFind *find, const Members *a, const Members *b)
{
	double		sum = 0;
	bool		conflict = false;

	if ((int64) a->count * b->count > MERGE_PAIRS)
		return false;
	for (int i = 0; i < a->count; i++)
		for (int j = 0; j < b->count && !conflict; j++)
			sum += cross_weight(find, a->record[i], b->record[j], &conflict);
	return !conflict && sum / ((double) a->count * b->count) >= find->model->fit.threshold;
}

static Members
joined(const Members *a, const Members *b)
{
	Members		both = {palloc(sizeof(int64) * (a->count + b->count)), a->count + b->count};

	memcpy(both.record, a->record, sizeof(int64) * a->count);
	memcpy(both.record + a->count, b->record, sizeof(int64) * b->count);
	return both;
}

/* The older number stays. */
static int64
merge_clusters(CrmMatchFind *find, int64 mine, Members *members)
{
	for (size_t i = 0; i < find->count; i++)
	{
		const CrmMatchCandidate *candidate = &find->candidate[i];
		int64		other = cluster_now(find, candidate->cluster);
		Members		theirs;

		if (other == mine || candidate->score.conflict || candidate->score.weight < find->model->fit.threshold)
			continue;
		theirs = members_of(find, other, candidate->record);
		if (!belong_together(find, members, &theirs) || parted(find, members, &theirs))
			continue;
		*members = joined(members, &theirs);
		set_cluster(find, Max(mine, other), Min(mine, other), NULL, 0);
		mine = Min(mine, other);
		set_cluster(find, mine, 0, members->record, members->count);
	}
	return mine;
}

/* -- adding ---------------------------------------------------------------------------------------------- */

static int64
next_number(CrmMatchFind *find, Statement which)
{
	Datum		value = Int32GetDatum(find->model->model_id);

	if (run(which, &value, NULL) == 0)
		elog(ERROR, "crm: model %d has no counter", find->model->model_id);
	return answer(0, 1);
}

/* Whoever added before us has committed by now: look again. */
static void
look_anew(CrmMatchFind *find)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	find->pushed = true;
}

static void
store_pairs(CrmMatchFind *find, int64 record)
{
	Datum	   *left = palloc(sizeof(Datum) * Max(find->count, 1));
	Datum	   *weight = palloc(sizeof(Datum) * Max(find->count, 1));
	Datum	   *vector = palloc(sizeof(Datum) * Max(find->count, 1));
	Datum		values[5] = {Int32GetDatum(find->model->model_id), Int64GetDatum(record)};

	if (find->count == 0)
		return;
	for (size_t i = 0; i < find->count; i++)
	{
		left[i] = Int64GetDatum(find->candidate[i].record);
		weight[i] = Float8GetDatum(find->candidate[i].score.weight);
		vector[i] = Int64GetDatum((int64) find->candidate[i].score.vector);
	}
	values[2] = PointerGetDatum(construct_array(left, (int) find->count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(construct_array(weight, (int) find->count, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[4] = PointerGetDatum(construct_array(vector, (int) find->count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	(void) run(ADD_PAIRS, values, NULL);
}

static void
store_record(CrmMatchFind *find, int64 record, const char *id, int64 cluster)
{
	Datum		values[5] = {Int32GetDatum(find->model->model_id), Int64GetDatum(record), CStringGetTextDatum(id), Int64GetDatum(cluster),
	PointerGetDatum(crm_match_seal_bytes(find->model->sealed, (const char *) find->prepared, find->prepared_length))};
	Datum		keys[3] = {values[0], int8_array(find->key, find->key_count), values[1]};

	(void) run(ADD_RECORD, values, NULL);
	(void) run(ADD_KEYS, keys, NULL);
}

static void
refuse_known(const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("a record of this id is in the matching model"),
			 errdetail("Id: %s.", id),
			 errhint("Take it out with crm.match_remove() first.")));
}

/* -- clusters made anew of some records ------------------------------------------------------------------- */

/*
 * Average linkage among the members of one cluster, as a run would have it, with
 * what people said of them.  Small: its work grows with the cube of the members.
 */
typedef struct Piece
{
	int64		record;
	text	   *id;
	unsigned char *prepared;
	size_t		length;
	int			group;
	int			size;			/* of the group that the piece leads; 0: it leads none */
} Piece;

typedef struct Puzzle
{
	int			count;
	Piece	   *piece;
	double	   *sum;			/* of weights between two groups */
	bool	   *barred;			/* two groups that are never one */
} Puzzle;

static void
weigh_pieces(CrmMatchFind *find, Puzzle *puzzle)
{
	int			n = puzzle->count;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
		{
			CrmMatchScore score;

			crm_match_find_score(find, puzzle->piece[i].prepared, puzzle->piece[j].prepared, &score);
			puzzle->sum[i * n + j] = puzzle->sum[j * n + i] = crm_match_bound(score.weight);
			puzzle->barred[i * n + j] = puzzle->barred[j * n + i] = score.conflict;
		}
}

static void
join_groups(Puzzle *puzzle, int a, int b)
{
	int			n = puzzle->count;

	for (int c = 0; c < n; c++)
	{
		puzzle->sum[a * n + c] = puzzle->sum[c * n + a] = puzzle->sum[a * n + c] + puzzle->sum[b * n + c];
		puzzle->barred[a * n + c] = puzzle->barred[c * n + a] = puzzle->barred[a * n + c] || puzzle->barred[b * n + c];
		if (puzzle->piece[c].group == b)
			puzzle->piece[c].group = a;
	}
	puzzle->piece[a].size += puzzle->piece[b].size;
	puzzle->piece[b].size = 0;
}

/* What keeps apart first: as in a run, it has the last word. */
static void
obey_among(CrmMatchFind *find, Puzzle *puzzle)
{
	int			n = puzzle->count;
	Datum	   *id = palloc(sizeof(Datum) * n);
	Datum		values[2] = {Int32GetDatum(find->model->model_id)};
	uint64		rows;

	for (int i = 0; i < n; i++)
		id[i] = PointerGetDatum(puzzle->piece[i].id);
	values[1] = PointerGetDatum(construct_array(id, n, TEXTOID, -1, false, TYPALIGN_INT));
	if (!any_judged(find))
		return;
	rows = run(JUDGED_AMONG, values, NULL);
	for (int same = 0; same <= 1; same++)
		for (uint64 i = 0; i < rows; i++)
		{
			bool		isnull;
			int			a = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
			int			b = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));

			if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull)) != (same == 1))
				continue;
			if (!same)
				puzzle->barred[a * n + b] = puzzle->barred[b * n + a] = true;
			else if ((a = puzzle->piece[a].group) != (b = puzzle->piece[b].group) && !puzzle->barred[a * n + b])
				join_groups(puzzle, a, b);
			else if (a != b && puzzle->piece[a].size == 1 && puzzle->piece[b].size == 1)
				join_groups(puzzle, a, b);	/* a person's word against two numbers */
		}
}

static void
solve(Puzzle *puzzle, double threshold)
{
	int			n = puzzle->count;

	for (;;)
	{
		double		most = threshold;
		int			a = -1;
		int			b = -1;

		for (int i = 0; i < n; i++)
			for (int j = 0; j < i && puzzle->piece[i].size > 0; j++)
			{
				double		mean = puzzle->piece[j].size == 0 || puzzle->barred[i * n + j] ? -INFINITY
					: puzzle->sum[i * n + j] / ((double) puzzle->piece[i].size * puzzle->piece[j].size);

				if (mean >= most)
				{
					most = mean;
					a = j;
					b = i;
				}
			}
		if (a < 0)
			return;
		join_groups(puzzle, a, b);
	}
}

/* A record goes to another cluster; its number now.  One of the run is written anew, since its page stays. */
static int64
move_record(CrmMatchFind *find, const Piece *piece, int64 cluster)
{
	Datum		values[3] = {Int32GetDatum(find->model->model_id), Int64GetDatum(piece->record), Int64GetDatum(cluster)};
	int64		record = piece->record;

	if (record >= find->model->records)
	{
		(void) run(MOVE_RECORD, values, NULL);
		return record;
	}
	(void) run(ADD_GONE, values, NULL);
	(void) run(DROP_PAIRS, values, NULL);
	find->prepared = piece->prepared;
	find->prepared_length = piece->length;
	find->count = 0;
	crm_match_find_candidates(find);
	record = next_number(find, NEXT_RECORD);
	store_record(find, record, text_to_cstring(piece->id), cluster);
	store_pairs(find, record);
	return record;
}

static Puzzle
spread_pieces(CrmMatchFind *find, const Members *members)
{
	Puzzle		puzzle = {.count = members->count};
	size_t		cells = (size_t) members->count * members->count;
	int64		cluster;

	puzzle.piece = palloc0(sizeof(Piece) * members->count);
	puzzle.sum = palloc0(sizeof(double) * cells);
	puzzle.barred = palloc0(sizeof(bool) * cells);
	for (int i = 0; i < members->count; i++)
	{
		Piece	   *piece = &puzzle.piece[i];

		piece->record = members->record[i];
		piece->id = identity_of(find, piece->record, &cluster);
		piece->prepared = crm_match_find_prepared(find, piece->record, &piece->length);
		piece->group = i;
		piece->size = 1;
	}
	return puzzle;
}

/* The group of the oldest record keeps the number, others get new ones; the cluster of the record follow. */
static int64
recluster(CrmMatchFind *find, const Members *members, int64 cluster, int64 follow)
{
	int64		followed = cluster;
	Puzzle		puzzle;
	int			oldest = 0;

	set_cluster(find, cluster, 0, members->record, members->count);
	if (members->count > RECLUSTER_MOST)
		return cluster;
	puzzle = spread_pieces(find, members);
	weigh_pieces(find, &puzzle);
	obey_among(find, &puzzle);
	solve(&puzzle, find->model->fit.threshold);
	for (int i = 0; i < puzzle.count; i++)
		if (puzzle.piece[i].record < puzzle.piece[oldest].record)
			oldest = i;
	for (int group = 0; group < puzzle.count; group++)
	{
		int64		number = group == puzzle.piece[oldest].group ? cluster : 0;
		int64	   *record = palloc(sizeof(int64) * puzzle.count);
		int			count = 0;

		if (puzzle.piece[group].size == 0)
			continue;
		if (number == 0)
			number = next_number(find, NEXT_CLUSTER);
		for (int i = 0; i < puzzle.count; i++)
			if (puzzle.piece[i].group == group)
			{
				followed = puzzle.piece[i].record == follow ? number : followed;
				record[count++] = number == cluster ? puzzle.piece[i].record : move_record(find, &puzzle.piece[i], number);
			}
		set_cluster(find, number, 0, record, count);
	}
	return followed;
}

/* Two clusters become one, under the older number; who belongs elsewhere then leaves. */
static int64
unite_clusters(CrmMatchFind *find, int64 mine, int64 record, const Judged *judged)
{
	int64		other = cluster_now(find, judged->cluster);
	int64		older = Min(mine, other);
	Members		ours = members_of(find, mine, record);
	Members		theirs = members_of(find, other, judged->record);
	Members		both = joined(&ours, &theirs);

	if (mine == other || (both.count > RECLUSTER_MOST && parted(find, &ours, &theirs)))
		return mine;
	set_cluster(find, Max(mine, other), older, NULL, 0);
	return recluster(find, &both, older, record);
}

static int64
obey_judged(CrmMatchFind *find, const JudgedList *list, int64 record, int64 cluster)
{
	for (int i = 0; i < list->count; i++)
		if (list->judged[i].same)
			cluster = unite_clusters(find, cluster, record, &list->judged[i]);
	return cluster;
}

/* Into a cluster, with the clusters that it holds together there. */
static int64
enter_cluster(CrmMatchFind *find, int64 record, int64 cluster)
{
	for (size_t i = 0; i < find->count; i++)
		if (find->candidate[i].cluster == cluster)
		{
			Members		self = {&record, 1};
			Members		members = members_of(find, cluster, find->candidate[i].record);

			members = joined(&members, &self);
			set_cluster(find, cluster, 0, members.record, members.count);
			return merge_clusters(find, cluster, &members);
		}
	return cluster;
}

/* Add find->prepared under an id; the cluster that it came to. */
int64
crm_match_find_add(CrmMatchFind *find, const char *id)
{
	int64		record = next_number(find, NEXT_RECORD);
	int64		cluster;
	JudgedList	list;
	bool		joins;

	look_anew(find);
	if (crm_match_find_record(find, id) >= 0)
		refuse_known(id);
	crm_match_find_candidates(find);
	crm_match_find_identities(find, 0, find->count);
	list = judged_of(find, id);
	cluster = choose_cluster(find, &list);
	joins = cluster != 0;
	if (!joins)
		cluster = next_number(find, NEXT_CLUSTER);
	store_record(find, record, id, cluster);
	store_pairs(find, record);
	if (joins)
		cluster = enter_cluster(find, record, cluster);
	return obey_judged(find, &list, record, cluster);
}

/* Take a record out: its pairs go, and its cluster falls apart where it alone held it together. */
void
crm_match_find_remove(CrmMatchFind *find, int64 record)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), Int64GetDatum(record)};
	int64		cluster;
	Members		members;
	int			left = 0;

	(void) identity_of(find, record, &cluster);
	members = members_of(find, cluster, record);
	for (int i = 0; i < members.count; i++)
		if (members.record[i] != record)
			members.record[left++] = members.record[i];
	if (members.count > 1)
		set_cluster(find, cluster, 0, members.record, left);
	if (record < find->model->records)
		(void) run(ADD_GONE, values, NULL);
	else
	{
		(void) run(DROP_KEYS, values, NULL);
		(void) run(DROP_RECORD, values, NULL);
	}
	(void) run(DROP_PAIRS, values, NULL);
	members.count = left;
	if (left > 1)
		(void) recluster(find, &members, cluster, -1);
}
