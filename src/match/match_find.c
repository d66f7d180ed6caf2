/*
 * match_find.c: one record against a model's pages, without the engine.
 *
 * Its keys lead to blocks, blocks to records, records to scores: what a run
 * does for a million records at once, with the same rules and the same caps.
 * What is found comes with its reasons.  Nothing is written here: match_join.c adds.
 */
#include "match_find.h"
#include "match_inside_core.h"
#include "match_saved.h"

#include <math.h>

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* -- one call's work ---------------------------------------------------------------------------- */

void
crm_match_find_open(CrmMatchFind *find, const char *name, bool trusted)
{
	memset(find, 0, sizeof(*find));
	find->self = -1;
	SPI_connect();
	find->model = crm_match_kept_model(name, trusted);
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
bool
crm_match_find_block(CrmMatchReader *reader, CrmMatchPageKind kind, uint64 key, const char **records, uint32 *count)
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
	Datum		values[2] = {Int32GetDatum(find->model->model_id), crm_match_int8_array(find->key, keys)};

	find->added_keys = crm_match_saved(KEYS_ADDED, values, NULL);
	find->added = SPI_tuptable;
}

/* Records of the run among all blocks that were taken out since. */
static void
read_gone(CrmMatchFind *find, const int64 *record, int count)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), crm_match_int8_array(record, count)};

	find->gone_count = (int) crm_match_saved(GONE, values, NULL);
	find->gone = palloc(sizeof(int64) * Max(find->gone_count, 1));
	for (int i = 0; i < find->gone_count; i++)
		find->gone[i] = crm_match_saved_number(i, 1);
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

	if (crm_match_find_block(find->keys, CRM_MATCH_PAGE_KEY, (uint64) hash, &records, &count))
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

	if (crm_match_saved(ANY_GONE, &model, NULL) == 0)
		return;
	all = palloc(sizeof(int64) * room);
	for (int i = 0; i < keys; i++)
	{
		const char *records;
		uint32		members;

		if (!crm_match_find_block(find->keys, CRM_MATCH_PAGE_KEY, (uint64) find->key[i], &records, &members) || members > CRM_MATCH_BLOCK_KEPT)
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
	Datum		values[2] = {Int32GetDatum(find->model->model_id), crm_match_int8_array(record, count)};
	uint64		rows = crm_match_saved(RECORDS_ADDED, values, NULL);
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
int64
crm_match_cluster_now(CrmMatchFind *find, int64 cluster)
{
	for (;;)
	{
		Datum		values[2] = {Int32GetDatum(find->model->model_id), Int64GetDatum(cluster)};
		bool		isnull = true;
		Datum		into = 0;

		if (crm_match_saved(WENT_INTO, values, NULL) > 0)
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
		candidate->cluster = crm_match_cluster_now(find, candidate->cluster);
	}
}

/* Id and cluster of a record, wherever it stands. */
text *
crm_match_find_identity(CrmMatchFind *find, int64 record, int64 *cluster)
{
	Datum		values[2] = {Int32GetDatum(find->model->model_id), crm_match_int8_array(&record, 1)};
	text	   *id = NULL;
	bool		isnull;

	if (record < find->model->records)
		(void) run_identity(find, record, &id, cluster);
	else if (crm_match_saved(RECORDS_ADDED, values, NULL) > 0)
	{
		*cluster = crm_match_saved_number(0, 3);
		id = DatumGetTextPCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4, &isnull));
	}
	if (id == NULL)
		elog(ERROR, "crm: record " INT64_FORMAT " of model %d has no identity", record, find->model->model_id);
	*cluster = crm_match_cluster_now(find, *cluster);
	return id;
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
	if (crm_match_saved(ID_ADDED, values, NULL) > 0)
		return crm_match_saved_number(0, 1);
	record = run_record_number(find, id, strlen(id));
	if (record >= 0)
	{
		Datum		gone[2] = {values[0], crm_match_int8_array(&record, 1)};

		if (crm_match_saved(GONE, gone, NULL) > 0)
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
		Datum		values[2] = {Int32GetDatum(find->model->model_id), crm_match_int8_array(&record, 1)};

		if (crm_match_saved(RECORDS_ADDED, values, NULL) == 0)
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
