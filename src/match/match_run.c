/*
 * match_run.c: the engine over whole tables: runs, training, prediction.
 *
 * A run reads the source and indexes it, trains unless it need not, predicts part
 * by part, clusters, and writes pages.  It commits between these stages where its
 * caller allows it, so that other sessions see how far it is; in a transaction
 * block it is one step.  A stage that is finished stands in crm_data.match_stage
 * with what it rests on: a run that was stopped is taken up behind it, as long as
 * records, settings and parameters are the same.  Nobody reads the pages of a run
 * before it is the model's last.
 *
 * The engine's memory is malloc'ed and hangs on the memory context of the call,
 * so that an error frees it.
 */
#include "match_run.h"
#include "match_inside_core.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define KEY_TASK	8192		/* records whose keys a worker makes at a time */
#define TELL_EVERY	1000		/* milliseconds between two reports of progress */

/* What a stage of a run counted. */
typedef struct CrmMatchStage
{
	int64		pairs;
	int64		candidates;
	uint64		by_rule[CRM_MATCH_RULE_MAX];
} CrmMatchStage;

/* -- the engine and its host ---------------------------------------------------------- */

static void
destroy_engine(void *argument)
{
	CrmMatchRun		   *run = argument;

	for (size_t i = 0; i < run->bags; i++)
		free(run->bag[i].entry);
	crm_match_destroy(run->engine);
	run->engine = NULL;
}

static bool
canceled(void *context)
{
	CrmMatchRun		   *run = context;

	return run->error != NULL || (InterruptPending && (QueryCancelPending || ProcDiePending));
}

/* One run of a model at a time. */
static void
lock_model(const CrmMatchStored *model)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) model->model_id, 0x6d617463, 2);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("matching model \"%s\" is being run by another session", model->name),
				 errhint("crm.job_progress shows how far it is.")));
}

/* A commit lets go of the lock for a moment: who comes between runs on, and we do not. */
static void
commit(CrmMatchRun *run)
{
	if (!run->commits)
		return;
	SPI_commit();
	CHECK_FOR_INTERRUPTS();
	lock_model(run->model);
}

static void
store_progress(CrmMatchRun *run, const char *phase, uint64 done, uint64 total)
{
	static const Oid types[] = {INT8OID, TEXTOID, INT8OID, INT8OID};
	Datum		values[4] = {Int64GetDatum(run->job), CStringGetTextDatum(psprintf("%s: %s", run->model->name, phase)),
	Int64GetDatum(done), Int64GetDatum(total)};

	crm_match_exec("UPDATE crm_data.job SET subject = $2, done = $3, total = $4, updated_at = pg_catalog.clock_timestamp(),"
				   " pid = pg_catalog.pg_backend_pid() WHERE job_id = $1", 4, types, values, NULL);
	commit(run);
}

/*
 * The engine has threads at work and frames on our stack, so no error may pass
 * through it: one is kept, the engine is stopped, and the error raised behind it.
 */
static void
progress(void *context, const char *phase, uint64_t done, uint64_t total)
{
	CrmMatchRun		   *run = context;
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext before = CurrentMemoryContext;

	if (!run->commits || run->job == 0 || run->error != NULL || !TimestampDifferenceExceeds(run->told, now, TELL_EVERY))
		return;
	run->told = now;
	PG_TRY();
	{
		store_progress(run, phase, done, total);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(run->context);
		run->error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(before);
}

/* Behind every call of the engine. */
void
crm_match_run_checked(CrmMatchRun *run, CrmMatchCode code)
{
	if (run->error != NULL)
		ReThrowError(run->error);
	if (code == CRM_MATCH_OK)
	{
		CHECK_FOR_INTERRUPTS();
		return;
	}
	run->fault.code = code;
	crm_match_fault_raise(&run->fault);
}

CrmMatchRun *
crm_match_run_open(CrmMatchStored *model, bool commits)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "crm match run", ALLOCSET_DEFAULT_SIZES);
	CrmMatchRun		   *run = MemoryContextAllocZero(context, sizeof(CrmMatchRun));

	run->context = context;
	run->model = model;
	run->commits = commits;
	run->host.context = run;
	run->host.canceled = canceled;
	run->host.progress = progress;
	run->host.threads = crm_match_workers;
	run->host.memory = (size_t) crm_match_memory * 1024 * 1024;
	run->told = GetCurrentTimestamp();
	run->engine = crm_match_create(&model->plan->settings, &run->host, &run->fault);
	if (run->engine == NULL)
		crm_match_fault_raise(&run->fault);
	run->destroy.func = destroy_engine;
	run->destroy.arg = run;
	MemoryContextRegisterResetCallback(context, &run->destroy);
	return run;
}

void
crm_match_run_close(CrmMatchRun *run)
{
	MemoryContextDelete(run->context);
}

/* -- reading ----------------------------------------------------------------------------- */

static void *
grown(CrmMatchRun *run, void *old, size_t *room, size_t needed, size_t size)
{
	if (needed <= *room)
		return old;
	*room = Max(needed, 2 * *room);
	return old == NULL ? MemoryContextAllocHuge(run->context, *room * size) : repalloc_huge(old, *room * size);
}

static void
keep_id(CrmMatchRun *run, const char *id, size_t length)
{
	size_t		record = run->ids++;
	uint64		start = record == 0 ? 0 : run->id_start[record];

	run->id_bytes = grown(run, run->id_bytes, &run->id_room, start + length + 4096, 1);
	run->id_start = grown(run, run->id_start, &run->id_start_room, record + 2, sizeof(uint64));
	run->id_start[record] = start;
	run->id_start[record + 1] = start + length;
	memcpy(run->id_bytes + start, id, length);
}

static bool
take_row(void *context, const char *id, size_t id_length, const CrmMatchText *column)
{
	CrmMatchRun		   *run = context;
	uint64		hash = hash_bytes_extended((const unsigned char *) id, (int) id_length, run->source);

	for (int i = 0; i < run->model->plan->settings.column_count; i++)
		hash = hash * UINT64CONST(0x9e3779b97f4a7c15) +
			(column[i].text == NULL ? 1 : hash_bytes_extended((const unsigned char *) column[i].text, (int) column[i].length, i));
	run->fingerprint = run->fingerprint * UINT64CONST(0x9e3779b97f4a7c15) + hash;
	keep_id(run, id, id_length);
	if (!run->only_looks && crm_match_add_record(run->engine, run->source, column, &run->fault) != CRM_MATCH_OK)
		crm_match_fault_raise(&run->fault);
	if (canceled(run))
		CHECK_FOR_INTERRUPTS();
	return true;
}

void
crm_match_run_read(CrmMatchRun *run)
{
	const CrmMatchStored *model = run->model;

	run->ids = 0;
	run->fingerprint = 0;
	run->source = 0;
	crm_match_source_read(model->source_oid, model->plan, "", take_row, run);
	run->first_source = run->ids;
	run->source = 1;
	if (OidIsValid(model->second_oid))
		crm_match_source_read(model->second_oid, model->plan, "", take_row, run);
	/* A long table left time for more than one commit elsewhere, none here. */
	commit(run);
}

const char *
crm_match_run_id(const CrmMatchRun *run, uint32 record, size_t *length)
{
	*length = run->id_start[record + 1] - run->id_start[record];
	return run->id_bytes + run->id_start[record];
}

/* -- ids: sorted by hash; equal ones are refused ----------------------------------------------- */

static int
by_hash(const void *a, const void *b)
{
	const CrmMatchEntry *x = a;
	const CrmMatchEntry *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

uint64
crm_match_id_hash(const char *id, size_t length)
{
	return hash_bytes_extended((const unsigned char *) id, (int) length, 0);
}

static void
refuse_equal_ids(const CrmMatchRun *run, const CrmMatchEntry *sorted, uint32 records)
{
	for (uint32 i = 1; i < records; i++)
	{
		size_t		a_length;
		size_t		b_length;
		const char *a = crm_match_run_id(run, sorted[i - 1].record, &a_length);
		const char *b = crm_match_run_id(run, sorted[i].record, &b_length);

		if (sorted[i].hash == sorted[i - 1].hash && a_length == b_length && memcmp(a, b, a_length) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("two records of matching model \"%s\" have the same id", run->model->name),
					 errdetail("Id: %s.", pnstrdup(a, Min(a_length, 100))),
					 errhint("Name unique columns in unique_id_column_name; where two sources are linked their ids must differ too.")));
	}
}

CrmMatchEntry *
crm_match_run_sort_ids(const CrmMatchRun *run)
{
	uint32		records = crm_match_records(run->engine);
	CrmMatchEntry	   *sorted = MemoryContextAllocHuge(run->context, sizeof(CrmMatchEntry) * (size_t) Max(records, 1));

	for (uint32 i = 0; i < records; i++)
	{
		size_t		length;
		const char *id = crm_match_run_id(run, i, &length);

		sorted[i].hash = crm_match_id_hash(id, length);
		sorted[i].record = i;
	}
	qsort(sorted, records, sizeof(CrmMatchEntry), by_hash);
	refuse_equal_ids(run, sorted, records);
	return sorted;
}

/* -- labels of persons -------------------------------------------------------------------------- */

bool
crm_match_run_find(const CrmMatchRun *run, const CrmMatchEntry *sorted, const char *id, uint32 *record)
{
	size_t		length = strlen(id);
	CrmMatchEntry		wanted = {crm_match_id_hash(id, length), 0};
	uint32		from = 0;
	uint32		to = crm_match_records(run->engine);

	while (from < to)
	{
		uint32		middle = from + (to - from) / 2;

		if (sorted[middle].hash < wanted.hash)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < crm_match_records(run->engine) && sorted[from].hash == wanted.hash; from++)
	{
		size_t		found_length;
		const char *found = crm_match_run_id(run, sorted[from].record, &found_length);

		if (found_length == length && memcmp(found, id, length) == 0)
		{
			*record = sorted[from].record;
			return true;
		}
	}
	return false;
}

/* Pairs that people judged, as records; those whose records are gone are passed over. */
CrmMatchLabel *
crm_match_run_labels(CrmMatchRun *run, const CrmMatchEntry *sorted, size_t *count)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(run->model->model_id);
	CrmMatchLabel *label;

	crm_match_exec("SELECT id_l, id_r, verdict = 'same' FROM crm_data.match_label WHERE model_id = $1 ORDER BY id_l, id_r", 1, &type, &value, NULL);
	label = MemoryContextAllocHuge(run->context, sizeof(CrmMatchLabel) * (SPI_processed + 1));
	*count = 0;
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		CrmMatchLabel *l = &label[*count];

		if (!crm_match_run_find(run, sorted, SPI_getvalue(row, SPI_tuptable->tupdesc, 1), &l->left) ||
			!crm_match_run_find(run, sorted, SPI_getvalue(row, SPI_tuptable->tupdesc, 2), &l->right))
			continue;
		l->same = DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull));
		(*count)++;
	}
	return label;
}

/* -- writing what was found ------------------------------------------------------------------------ */

static void
put(StringInfo entry, const void *bytes, size_t length)
{
	appendBinaryStringInfoNT(entry, bytes, (int) length);
}

static void
write_records(const CrmMatchRun *run, int64 number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_RECORD, run->model->sealed);
	StringInfoData entry;

	initStringInfo(&entry);
	for (uint32 i = 0; i < crm_match_records(run->engine); i++)
	{
		size_t		length;
		const unsigned char *prepared = crm_match_record(run->engine, i, &length);
		uint32		short_length = (uint32) length;

		resetStringInfo(&entry);
		put(&entry, &short_length, sizeof(short_length));
		put(&entry, prepared, length);
		crm_match_write(writer, i, entry.data, entry.len);
	}
	crm_match_writer_end(writer);
}

static void
write_ids(const CrmMatchRun *run, int64 number, const CrmMatchEntry *sorted)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_ID, false);

	for (uint32 i = 0; i < crm_match_records(run->engine); i++)
		crm_match_write(writer, sorted[i].hash, &sorted[i], sizeof(uint64) + sizeof(uint32));
	crm_match_writer_end(writer);
}

/* The rule stands in front, so that rules can be written one after the other. */
uint64
crm_match_stored_key(const CrmMatchStored *model, int rule, uint64 hash)
{
	return (uint64) rule << 58 | (model->sealed ? crm_match_keyed(model->secret, hash) : hash) >> 6;
}

/* Of a block beyond every cap only its size is kept. */
static void
write_blocks(CrmMatchWriter *writer, const CrmMatchEntry *entry, size_t count)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	for (size_t from = 0, to; from < count; from = to)
	{
		uint32		members;

		for (to = from + 1; to < count && entry[to].hash == entry[from].hash; to++)
			;
		members = (uint32) (to - from);
		resetStringInfo(&bytes);
		put(&bytes, &entry[from].hash, sizeof(uint64));
		put(&bytes, &members, sizeof(members));
		for (size_t i = from; i < to && members <= CRM_MATCH_BLOCK_KEPT; i++)
			put(&bytes, &entry[i].record, sizeof(uint32));
		crm_match_write(writer, entry[from].hash, bytes.data, bytes.len);
	}
	pfree(bytes.data);
}

static bool
bag_room(CrmMatchRun *run, size_t task, size_t room)
{
	CrmMatchBag *bag = &run->bag[task];
	CrmMatchEntry *entry = crm_match_take_more(run->engine, bag->entry, bag->room, room, sizeof(*entry));

	if (entry == NULL)
		return false;
	bag->entry = entry;
	bag->room = room;
	return true;
}

/* Keys of some records under all rules, sorted, by a worker of the engine. */
static bool
keys_task(void *state, int thread, size_t task)
{
	CrmMatchRun *run = state;
	CrmMatchBag *bag = &run->bag[task];
	size_t		from = task * KEY_TASK;
	size_t		to = Min(from + KEY_TASK, crm_match_records(run->engine));
	CrmMatchRecordKey key[CRM_MATCH_RECORD_KEY_MAX];
	CrmMatchEntry *other;

	if (!bag_room(run, task, 8 * (to - from) + 1))
		return false;
	for (size_t i = from; i < to; i++)
	{
		size_t		length;
		int			keys = crm_match_keys(&run->model->plan->settings, crm_match_record(run->engine, i, &length), key, CRM_MATCH_RECORD_KEY_MAX);

		if (bag->count + keys > bag->room && !bag_room(run, task, bag->room + bag->room / 2 + keys))
			return false;
		for (int k = 0; k < keys; k++)
			bag->entry[bag->count++] = (CrmMatchEntry) {crm_match_stored_key(run->model, key[k].rule, key[k].hash), (uint32) i};
	}
	other = crm_match_take(run->engine, bag->count + 1, sizeof(*other));
	if (other == NULL)
		return false;
	crm_match_sort(bag->entry, other, bag->count);
	crm_match_give(run->engine, other, bag->count + 1, sizeof(*other));
	return true;
}

/* How many keys of a rule come next in the bags. */
static size_t
count_rule(const CrmMatchRun *run, int rule)
{
	size_t		count = 0;

	for (size_t i = 0; i < run->bags; i++)
		for (size_t at = run->bag[i].at; at < run->bag[i].count && run->bag[i].entry[at].hash >> 58 == (uint64) rule; at++)
			count++;
	return count;
}

/* One rule at a time, so that no more than its keys are copied. */
static void
write_rule(CrmMatchRun *run, CrmMatchWriter *writer, int rule)
{
	size_t		count = count_rule(run, rule);
	CrmMatchEntry *all = MemoryContextAllocHuge(run->context, (2 * count + 1) * sizeof(CrmMatchEntry));
	size_t		at = 0;

	for (size_t i = 0; i < run->bags; i++)
		for (CrmMatchBag *bag = &run->bag[i]; bag->at < bag->count && bag->entry[bag->at].hash >> 58 == (uint64) rule;)
			all[at++] = bag->entry[bag->at++];
	/* The sort looks at the upper bits, which are the rule's. */
	for (size_t i = 0; i < count; i++)
		all[i].hash <<= 6;
	crm_match_sort(all, all + count, count);
	for (size_t i = 0; i < count; i++)
		all[i].hash = (uint64) rule << 58 | all[i].hash >> 6;
	write_blocks(writer, all, count);
	pfree(all);
	CHECK_FOR_INTERRUPTS();
}

static void
write_keys(CrmMatchRun *run, int64 number)
{
	size_t		tasks = (crm_match_records(run->engine) + KEY_TASK - 1) / KEY_TASK;
	CrmMatchWriter *writer;

	run->bag = MemoryContextAllocZero(run->context, (tasks + 1) * sizeof(CrmMatchBag));
	run->bags = tasks;
	crm_match_run_checked(run, crm_match_parallel(run->engine, "index", tasks, keys_task, run, &run->fault));
	writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_KEY, false);
	for (int rule = 0; rule < run->model->plan->settings.rule_count; rule++)
		write_rule(run, writer, rule);
	crm_match_writer_end(writer);
	for (size_t i = 0; i < tasks; i++)
		crm_match_give(run->engine, run->bag[i].entry, run->bag[i].room, sizeof(CrmMatchEntry));
	run->bags = 0;
}

/* -- terms, pairs, clusters ------------------------------------------------------------------------- */

uint64
crm_match_stored_term(const CrmMatchStored *model, int comparison, int level, uint64 hash)
{
	uint64		mixed = hash ^ ((uint64) comparison << 8 | level) * UINT64CONST(0x9e3779b97f4a7c15);

	return crm_match_keyed(model->secret, mixed);	/* the secret of a plain model is zero */
}

static void
write_terms(CrmMatchRun *run, int64 number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_TERM, false);
	CrmMatchEntry *list = NULL;
	CrmMatchEntry *other;
	size_t		room = 0;
	size_t		count = 0;
	size_t		at = 0;
	CrmMatchTerm term;

	while (crm_match_next_term(run->engine, &at, &term))
	{
		list = grown(run, list, &room, count + 1, sizeof(CrmMatchEntry));
		list[count].hash = crm_match_stored_term(run->model, term.comparison, term.level, term.hash);
		list[count++].record = (uint32) Min(term.count, UINT_MAX);
	}
	for (int i = 0; i < run->engine->slots; i++)
	{
		const CrmMatchSlot *slot = &run->engine->slot[i];

		list = grown(run, list, &room, count + 1, sizeof(CrmMatchEntry));
		list[count].hash = crm_match_stored_term(run->model, slot->comparison, slot->level, CRM_MATCH_ALL_TERMS);
		list[count].record = 0;
		for (uint32 record = 0; record < crm_match_records(run->engine); record++)
			list[count].record += slot->rarity[record] > 0;
		count++;
	}
	other = MemoryContextAllocHuge(run->context, (count + 1) * sizeof(CrmMatchEntry));
	crm_match_sort(list, other, count);
	for (size_t i = 0; i < count; i++)
		crm_match_write(writer, list[i].hash, &list[i], sizeof(uint64) + sizeof(uint32));
	crm_match_writer_end(writer);
	pfree(other);
	if (list != NULL)
		pfree(list);
}

/* Those from the given one on. */
static void
write_pairs(CrmMatchRun *run, int64 number, size_t from)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, number, CRM_MATCH_PAGE_PAIR, false);
	size_t		count;
	const CrmMatchPair *pair = crm_match_pairs(run->engine, &count);

	for (size_t i = from; i < count; i++)
	{
		CrmMatchPairEntry entry = {pair[i].vector, pair[i].left, pair[i].right, pair[i].weight};

		crm_match_write(writer, i, &entry, sizeof(entry));
	}
	crm_match_writer_end(writer);
}

/* What a record's cluster was called by the run before, so that it may keep its name. */
typedef struct OldName
{
	uint64		hash;			/* of the id */
	int64		cluster;
} OldName;

static HTAB *
read_old_names(CrmMatchRun *run)
{
	HASHCTL		control = {.keysize = sizeof(uint64), .entrysize = sizeof(OldName), .hcxt = run->context};
	HTAB	   *names = hash_create("crm match old names", Max(run->model->records, 16), &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CrmMatchList *list = crm_match_list(run->model);
	CrmMatchListed listed;

	while (crm_match_list_next(list, &listed))
	{
		uint64		hash = crm_match_id_hash(listed.id, listed.id_length);
		OldName    *name = hash_search(names, &hash, HASH_ENTER, NULL);

		name->cluster = listed.cluster;
	}
	crm_match_list_end(list);
	return names;
}

static int64
old_name(const CrmMatchRun *run, HTAB *names, uint32 record)
{
	size_t		length;
	const char *id = crm_match_run_id(run, record, &length);
	uint64		hash = crm_match_id_hash(id, length);
	OldName    *name = hash_search(names, &hash, HASH_FIND, NULL);

	return name == NULL ? 0 : name->cluster;
}

/*
 * The cluster number of each record.  A cluster keeps the oldest number that one
 * of its records had and that no cluster before it took; the others get new ones.
 */
static int64 *
name_clusters(CrmMatchRun *run, const uint32 *cluster)
{
	uint32		records = crm_match_records(run->engine);
	int64	   *number = MemoryContextAllocHuge(run->context, sizeof(int64) * (size_t) Max(records, 1));
	HTAB	   *names = run->model->run > 0 ? read_old_names(run) : NULL;
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = sizeof(int64), .hcxt = run->context};
	HTAB	   *taken = names == NULL ? NULL : hash_create("crm match taken names", Max(records, 16), &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	memset(number, 0, sizeof(int64) * (size_t) records);
	/* The oldest old number stands at the cluster's first record. */
	for (uint32 i = 0; names != NULL && i < records; i++)
	{
		int64		old = old_name(run, names, i);
		int64	   *best = &number[cluster[i]];

		if (old != 0 && (*best == 0 || old < *best))
			*best = old;
	}
	for (uint32 i = 0; i < records; i++)
	{
		bool		found = false;

		if (cluster[i] != i)
			continue;
		if (number[i] != 0)
			(void) hash_search(taken, &number[i], HASH_ENTER, &found);
		if (number[i] == 0 || found)
			number[i] = run->model->next_cluster++;
	}
	for (uint32 i = 0; i < records; i++)
		number[i] = number[cluster[i]];
	return number;
}

static void
write_identities(CrmMatchRun *run, int64 page_run, const int64 *number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, page_run, CRM_MATCH_PAGE_IDENTITY, false);
	StringInfoData entry;

	initStringInfo(&entry);
	for (uint32 i = 0; i < crm_match_records(run->engine); i++)
	{
		size_t		length;
		const char *id = crm_match_run_id(run, i, &length);
		uint32		short_length = (uint32) length;

		resetStringInfo(&entry);
		put(&entry, &number[i], sizeof(int64));
		put(&entry, &short_length, sizeof(short_length));
		put(&entry, id, length);
		crm_match_write(writer, i, entry.data, entry.len);
	}
	crm_match_writer_end(writer);
}

/* Clusters of two and more with their records; how many clusters there are in all. */
static int64
write_clusters(CrmMatchRun *run, int64 page_run, const uint32 *cluster, const int64 *number)
{
	CrmMatchWriter *writer = crm_match_writer(run->model->model_id, page_run, CRM_MATCH_PAGE_CLUSTER, false);
	uint32		records = crm_match_records(run->engine);
	CrmMatchEntry *list = MemoryContextAllocHuge(run->context, sizeof(CrmMatchEntry) * ((size_t) records + 1));
	CrmMatchEntry *other = MemoryContextAllocHuge(run->context, sizeof(CrmMatchEntry) * ((size_t) records + 1));
	StringInfoData entry;
	int64		clusters = 0;

	initStringInfo(&entry);
	for (uint32 i = 0; i < records; i++)
	{
		list[i] = (CrmMatchEntry) {(uint64) number[i], i};
		clusters += cluster[i] == i;
	}
	/* Numbers are small, so the radix sort would see only zeros: the slow way is fast enough. */
	qsort(list, records, sizeof(CrmMatchEntry), by_hash);
	for (uint32 from = 0, to; from < records; from = to)
	{
		uint32		members;

		for (to = from + 1; to < records && list[to].hash == list[from].hash; to++)
			;
		members = to - from;
		if (members < 2)
			continue;
		resetStringInfo(&entry);
		put(&entry, &list[from].hash, sizeof(uint64));
		put(&entry, &members, sizeof(members));
		for (uint32 i = from; i < to; i++)
			put(&entry, &list[i].record, sizeof(uint32));
		crm_match_write(writer, list[from].hash, entry.data, entry.len);
	}
	crm_match_writer_end(writer);
	pfree(list);
	pfree(other);
	return clusters;
}

static void
write_report(const CrmMatchRun *run)
{
	static const Oid types[] = {INT4OID, INT2OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID};
	Datum		values[8] = {Int32GetDatum(run->model->model_id)};

	crm_match_exec("DELETE FROM crm_data.match_report WHERE model_id = $1", 1, types, values, NULL);
	for (int i = 0; i < run->model->plan->settings.rule_count; i++)
	{
		CrmMatchRuleReport report;

		crm_match_rule_report(run->engine, i, &report);
		values[1] = Int16GetDatum(i + 1);
		values[2] = CStringGetTextDatum(crm_match_rule_text(run->model->plan, i));
		values[3] = Int64GetDatum(report.pairs);
		values[4] = Int64GetDatum(report.blocks);
		values[5] = Int64GetDatum(report.skipped);
		values[6] = Int64GetDatum(report.skipped_pairs);
		values[7] = Int64GetDatum(report.largest);
		crm_match_exec("INSERT INTO crm_data.match_report (model_id, rule, blocking_rule, pairs, blocks, skipped, skipped_pairs, largest)"
					   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", 8, types, values, NULL);
	}
}

static void
remove_older(const CrmMatchRun *run, int64 number)
{
	static const char *const added[] = {"match_record", "match_key", "match_pair", "match_cluster", "match_gone"};
	static const Oid types[] = {INT4OID, INT8OID};
	Datum		values[2] = {Int32GetDatum(run->model->model_id), Int64GetDatum(number)};

	crm_match_exec("DELETE FROM crm_data.match_page WHERE model_id = $1 AND run <> $2", 2, types, values, NULL);
	for (int i = 0; i < (int) lengthof(added); i++)
		crm_match_exec(psprintf("DELETE FROM crm_data.%s WHERE model_id = $1", added[i]), 1, types, values, NULL);
}

static void
write_model(const CrmMatchRun *run, int64 number, int64 clusters)
{
	static const Oid types[] = {INT4OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID};
	static const Oid counter_types[] = {INT4OID, INT8OID, INT8OID};
	size_t		pairs;
	Datum		values[7];
	Datum		counter[3];

	(void) crm_match_pairs(run->engine, &pairs);
	values[0] = Int32GetDatum(run->model->model_id);
	values[1] = Int64GetDatum(number);
	values[2] = Int64GetDatum(crm_match_records(run->engine));
	values[3] = Int64GetDatum(crm_match_candidates(run->engine));
	values[4] = Int64GetDatum(pairs);
	values[5] = Int64GetDatum(clusters);
	values[6] = Int64GetDatum(crm_match_keyed(run->model->secret, 0));
	crm_match_exec("UPDATE crm_data.match_model SET run = $2, records = $3, candidates = $4, pairs = $5, clusters = $6, secret_check = $7,"
				   " fingerprint = NULL, state = 'done', run_at = pg_catalog.clock_timestamp(), version = version + 1 WHERE model_id = $1",
				   7, types, values, NULL);
	counter[0] = values[0];
	counter[1] = values[2];
	counter[2] = Int64GetDatum(run->model->next_cluster);
	crm_match_exec("INSERT INTO crm_data.match_counter (model_id, next_record, next_cluster) VALUES ($1, $2, $3)"
				   " ON CONFLICT (model_id) DO UPDATE SET next_record = excluded.next_record, next_cluster = excluded.next_cluster",
				   3, counter_types, counter, NULL);
}

/* -- a run ---------------------------------------------------------------------------------------------- */

static void
begin_job(CrmMatchRun *run)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(psprintf("%s: reading", run->model->name));
	bool		isnull;

	crm_match_exec("INSERT INTO crm_data.job (kind, subject) VALUES ('match', $1) RETURNING job_id", 1, &type, &value, NULL);
	run->job = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	commit(run);
}

static void
end_job(CrmMatchRun *run)
{
	static const Oid types[] = {INT8OID, INT8OID, TEXTOID};
	Datum		values[3] = {Int64GetDatum(run->job), Int64GetDatum(crm_match_records(run->engine)), CStringGetTextDatum(run->model->name)};

	crm_match_exec("UPDATE crm_data.job SET state = 'done', subject = $3, done = $2, total = $2, updated_at = pg_catalog.clock_timestamp() WHERE job_id = $1",
				   3, types, values, NULL);
}

static void
train(CrmMatchRun *run, bool retrain)
{
	CrmMatchStored *model = run->model;
	int64		fingerprint = (int64) run->fingerprint;
	bool		unfinished = model->has_fingerprint && model->fingerprint == fingerprint;

	if (model->fit.trained && !retrain && (model->is_tuned || unfinished))
	{
		crm_match_run_checked(run, crm_match_set_model(run->engine, &model->fit, &run->fault));
		return;
	}
	crm_match_run_checked(run, crm_match_train(run->engine, &run->fault));
	crm_match_model_store_fit(model, crm_match_model(run->engine), false, &fingerprint);
	commit(run);
}

/* A commit lets go of the lock for a moment: has another run passed, or a change of settings? */
static void
require_untouched(const CrmMatchRun *run)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(run->model->model_id);
	bool		isnull;

	crm_match_exec("SELECT version FROM crm_data.match_model WHERE model_id = $1 FOR UPDATE", 1, &type, &value, NULL);
	if (SPI_processed == 0 || DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) != run->model->version)
		ereport(ERROR,
				(errcode(ERRCODE_CRM_CONFLICT),
				 errmsg("matching model \"%s\" was changed while it ran", run->model->name),
				 errhint("Call it again.")));
}

/* -- judgements of people bind the result ------------------------------------------------------------------ */

/* The smaller record leads, as the engine has it. */
static void
unite(uint32 *cluster, uint32 records, uint32 a, uint32 b)
{
	uint32		low = Min(a, b);
	uint32		high = Max(a, b);

	for (uint32 i = 0; i < records && a != b; i++)
		if (cluster[i] == high)
			cluster[i] = low;
}

static double
weight_between(const CrmMatchRun *run, uint32 a, uint32 b)
{
	CrmMatchScore score;
	size_t		length;

	crm_match_score(&run->model->plan->settings, crm_match_model(run->engine), crm_match_record(run->engine, a, &length),
					crm_match_record(run->engine, b, &length), NULL, NULL, &score);
	return score.weight;
}

/* Two records that are not the same part; each other one goes with that which it resembles more. */
static void
split(const CrmMatchRun *run, uint32 *cluster, uint32 records, const CrmMatchLabel *label)
{
	uint32		whole = cluster[label->left];
	uint32		first[2] = {UINT_MAX, UINT_MAX};

	for (int pass = 0; pass < 2; pass++)
		for (uint32 i = 0; i < records; i++)
		{
			bool		right;

			if (cluster[i] != whole && !(pass == 1 && (cluster[i] == UINT_MAX || cluster[i] == UINT_MAX - 1)))
				continue;
			if (pass == 1)
			{
				cluster[i] = first[UINT_MAX - cluster[i]];
				continue;
			}
			right = i == label->right || (i != label->left && weight_between(run, i, label->right) > weight_between(run, i, label->left));
			if (first[right] == UINT_MAX)
				first[right] = i;
			cluster[i] = UINT_MAX - right;
		}
}

/* Clusters with what people said: same first, so that different has the last word. */
static uint32 *
judged_clusters(CrmMatchRun *run, const CrmMatchEntry *sorted)
{
	uint32		records = crm_match_records(run->engine);
	uint32	   *cluster = MemoryContextAllocHuge(run->context, sizeof(uint32) * ((size_t) records + 1));
	size_t		count;
	CrmMatchLabel *label = crm_match_run_labels(run, sorted, &count);

	memcpy(cluster, crm_match_clusters(run->engine), sizeof(uint32) * records);
	for (size_t i = 0; i < count; i++)
		if (label[i].same)
			unite(cluster, records, cluster[label[i].left], cluster[label[i].right]);
	for (size_t i = 0; i < count; i++)
		if (!label[i].same && cluster[label[i].left] == cluster[label[i].right])
			split(run, cluster, records, &label[i]);
	return cluster;
}

static void
write_all(CrmMatchRun *run, const CrmMatchEntry *sorted)
{
	CrmMatchOwner owner;
	int64		number = run->number;
	const uint32 *cluster = judged_clusters(run, sorted);
	int64	   *names = name_clusters(run, cluster);
	int64		clusters;

	crm_match_owner_begin(&owner);
	write_terms(run, number);
	write_identities(run, number, names);
	clusters = write_clusters(run, number, cluster, names);
	write_report(run);
	remove_older(run, number);
	write_model(run, number, clusters);
	crm_match_owner_end(&owner);
}

/* -- stages: what is finished is not done again --------------------------------------------------------------- */

static uint64
digest(uint64 basis, const void *bytes, size_t length)
{
	return basis * UINT64CONST(0x9e3779b97f4a7c15) + hash_bytes_extended(bytes, (int) length, 1);
}

/* What the records' pages rest on: source, settings, and the secret that keyed them. */
static int64
index_basis(const CrmMatchRun *run)
{
	const char *settings = JsonbToCString(NULL, &crm_match_plan_write(run->model->plan, NULL)->root, 0);
	uint64		secret = crm_match_keyed(run->model->secret, 0);

	return (int64) digest(digest(run->fingerprint, settings, strlen(settings)), &secret, sizeof(secret));
}

/* Pairs rest on the parameters, too. */
static int64
pairs_basis(const CrmMatchRun *run)
{
	size_t		room = crm_match_model_size();
	unsigned char *packed = palloc(room);

	return (int64) digest((uint64) index_basis(run), packed, crm_match_model_pack(crm_match_model(run->engine), packed, room));
}

/* Whether a stage of this run is finished; its counts, where they are wanted. */
static bool
is_finished(const CrmMatchRun *run, const char *stage, int part, int64 basis, CrmMatchStage *counts)
{
	static const Oid types[] = {INT4OID, INT8OID, TEXTOID, INT2OID, INT8OID};
	Datum		values[5] = {Int32GetDatum(run->model->model_id), Int64GetDatum(run->number), CStringGetTextDatum(stage),
	Int16GetDatum(part), Int64GetDatum(basis)};
	bool		isnull;

	crm_match_exec("SELECT pairs, candidates, by_rule FROM crm_data.match_stage"
				   " WHERE model_id = $1 AND run = $2 AND stage = $3 AND part = $4 AND basis = $5", 5, types, values, NULL);
	if (SPI_processed == 0)
		return false;
	if (counts != NULL)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		ArrayType  *by_rule = DatumGetArrayTypePCopy(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull));

		counts->pairs = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		counts->candidates = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
		memcpy(counts->by_rule, ARR_DATA_PTR(by_rule), sizeof(uint64) * Min(ArrayGetNItems(ARR_NDIM(by_rule), ARR_DIMS(by_rule)), CRM_MATCH_RULE_MAX));
	}
	return true;
}

/* The stage's work is there when its row is: both are of one transaction. */
static void
finish_stage(CrmMatchRun *run, const char *stage, int part, int64 basis, const CrmMatchStage *counts)
{
	static const Oid types[] = {INT4OID, INT8OID, TEXTOID, INT2OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8ARRAYOID};
	Datum		by_rule[CRM_MATCH_RULE_MAX];
	Datum		values[9] = {Int32GetDatum(run->model->model_id), Int64GetDatum(run->number), CStringGetTextDatum(stage),
	Int16GetDatum(part), Int64GetDatum(basis), Int64GetDatum(run->job), Int64GetDatum(counts->pairs), Int64GetDatum(counts->candidates)};

	for (int i = 0; i < CRM_MATCH_RULE_MAX; i++)
		by_rule[i] = Int64GetDatum((int64) counts->by_rule[i]);
	values[8] = PointerGetDatum(construct_array(by_rule, run->model->plan->settings.rule_count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	crm_match_exec("INSERT INTO crm_data.match_stage (model_id, run, stage, part, basis, job_id, pairs, candidates, by_rule)"
				   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", 9, types, values, NULL);
	commit(run);
}

/* What an earlier run left behind it that is of no use: from a stage's part on. */
static void
forget(const CrmMatchRun *run, const char *kinds, const char *stage, int part)
{
	static const Oid types[] = {INT4OID, INT8OID, TEXTOID, INT2OID, TEXTOID};
	Datum		values[5] = {Int32GetDatum(run->model->model_id), Int64GetDatum(run->number), CStringGetTextDatum(stage),
	Int16GetDatum(part), CStringGetTextDatum(kinds)};

	crm_match_exec("DELETE FROM crm_data.match_stage WHERE model_id = $1 AND (run <> $2 OR ($3 = 'index' OR stage = $3) AND part >= $4)",
				   5, types, values, NULL);
	crm_match_exec("DELETE FROM crm_data.match_page WHERE model_id = $1 AND run >= $2 AND (run > $2 OR pg_catalog.strpos($5, kind::text) > 0)",
				   5, types, values, NULL);
}

/* Prepared records as the index stage left them; only the source's number is not among them. */
static void
read_index(CrmMatchRun *run)
{
	CrmMatchReader *reader;
	const char *body;
	size_t		size;

	PushActiveSnapshot(GetTransactionSnapshot());
	reader = crm_match_reader(run->model->model_id, run->number, run->model->sealed);
	while (crm_match_read_next(reader, CRM_MATCH_PAGE_RECORD, &body, &size))
	{
		const char *prepared;
		size_t		length;

		for (uint64 i = 0; (prepared = crm_match_record_on_page(body, size, i, &length)) != NULL; i++)
			crm_match_run_checked(run, crm_match_add_prepared(run->engine, crm_match_records(run->engine) >= run->first_source,
															  (const unsigned char *) prepared, length, &run->fault));
	}
	crm_match_reader_end(reader);
	PopActiveSnapshot();
	if (crm_match_records(run->engine) != run->ids)
		elog(ERROR, "crm: records of a stopped run of model %d are missing", run->model->model_id);
}

/*
 * Records prepared, with their ids and block keys.  Where a stopped run has done
 * that, the source is read for its fingerprint alone.
 */
static CrmMatchEntry *
index_stage(CrmMatchRun *run)
{
	static const CrmMatchStage nothing;
	CrmMatchOwner owner;
	CrmMatchEntry *sorted;
	int64		basis;

	crm_match_run_read(run);
	if (run->only_looks)
	{
		basis = index_basis(run);
		if (is_finished(run, "index", 0, basis, NULL))
		{
			crm_match_owner_begin(&owner);
			read_index(run);
			crm_match_owner_end(&owner);
			return crm_match_run_sort_ids(run);
		}
		run->only_looks = false;
		crm_match_run_read(run);
	}
	sorted = crm_match_run_sort_ids(run);
	forget(run, "ridktpc", "index", 0);
	crm_match_owner_begin(&owner);
	write_records(run, run->number);
	write_ids(run, run->number, sorted);
	write_keys(run, run->number);
	crm_match_owner_end(&owner);
	finish_stage(run, "index", 0, index_basis(run), &nothing);
	return sorted;
}

/* Whether some run has left an index behind it: only then it is worth to look first. */
static bool
has_index(const CrmMatchRun *run)
{
	static const Oid types[] = {INT4OID, INT8OID};
	Datum		values[2] = {Int32GetDatum(run->model->model_id), Int64GetDatum(run->number)};

	crm_match_exec("SELECT FROM crm_data.match_stage WHERE model_id = $1 AND run = $2 AND stage = 'index'", 2, types, values, NULL);
	return SPI_processed > 0;
}

/* Pairs of finished parts, all at once: their pages are the first ones. */
static void
take_over_pairs(CrmMatchRun *run, const CrmMatchStage *counts)
{
	CrmMatchReader *reader;
	CrmMatchPair *pair = MemoryContextAllocHuge(run->context, sizeof(CrmMatchPair) * (counts->pairs + 1));
	const char *body;
	size_t		size;
	int64		count = 0;

	PushActiveSnapshot(GetTransactionSnapshot());
	reader = crm_match_reader(run->model->model_id, run->number, run->model->sealed);
	while (count < counts->pairs && crm_match_read_next(reader, CRM_MATCH_PAGE_PAIR, &body, &size))
		for (size_t at = 0; at + sizeof(CrmMatchPairEntry) <= size && count < counts->pairs; at += sizeof(CrmMatchPairEntry))
		{
			CrmMatchPairEntry entry;

			memcpy(&entry, body + at, sizeof(entry));
			pair[count++] = (CrmMatchPair) {.left = entry.left, .right = entry.right, .vector = entry.vector, .weight = (float) entry.weight,
				.conflict = crm_match_is_conflict(&run->model->plan->settings, entry.vector)};
		}
	crm_match_reader_end(reader);
	PopActiveSnapshot();
	if (count < counts->pairs)
		elog(ERROR, "crm: pairs of a stopped run of model %d are missing", run->model->model_id);
	crm_match_run_checked(run, crm_match_take_over(run->engine, pair, counts->pairs, counts->candidates, counts->by_rule, &run->fault));
	pfree(pair);
}

static void
predict_part(CrmMatchRun *run, int part, int64 basis)
{
	CrmMatchStage counts = {0};
	CrmMatchOwner owner;
	size_t		before;
	size_t		after;

	(void) crm_match_pairs(run->engine, &before);
	counts.candidates = -(int64) crm_match_candidates(run->engine);
	for (int i = 0; i < run->model->plan->settings.rule_count; i++)
		counts.by_rule[i] = -run->engine->report[i].pairs;
	crm_match_run_checked(run, crm_match_predict_part(run->engine, part, &run->fault));
	(void) crm_match_pairs(run->engine, &after);
	counts.pairs = after - before;
	counts.candidates += crm_match_candidates(run->engine);
	for (int i = 0; i < run->model->plan->settings.rule_count; i++)
		counts.by_rule[i] += run->engine->report[i].pairs;
	crm_match_owner_begin(&owner);
	write_pairs(run, run->number, before);
	crm_match_owner_end(&owner);
	finish_stage(run, "pairs", part, basis, &counts);
}

/* Parts come in order, so that what is finished is a beginning. */
static void
pairs_stage(CrmMatchRun *run)
{
	int64		basis = pairs_basis(run);
	int			parts = crm_match_predict_parts(run->engine);
	int			part = 0;
	CrmMatchStage all = {0};
	CrmMatchStage one = {0};

	crm_match_run_checked(run, crm_match_predict_begin(run->engine, &run->fault));
	for (; part < parts && is_finished(run, "pairs", part, basis, &one); part++)
	{
		all.pairs += one.pairs;
		all.candidates += one.candidates;
		for (int i = 0; i < CRM_MATCH_RULE_MAX; i++)
			all.by_rule[i] += one.by_rule[i];
	}
	if (part > 0)
		take_over_pairs(run, &all);
	else
		forget(run, "p", "pairs", 0);
	for (; part < parts; part++)
		predict_part(run, part, basis);
}

PG_FUNCTION_INFO_V1(crm_match_run);
Datum
crm_match_run(PG_FUNCTION_ARGS)
{
	bool		commits = fcinfo->context != NULL && IsA(fcinfo->context, CallContext) && !((CallContext *) fcinfo->context)->atomic;
	CrmMatchStored *model;
	CrmMatchEntry	   *sorted;
	CrmMatchRun		   *run;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("which matching model to run was not said")));
	SPI_connect_ext(commits ? SPI_OPT_NONATOMIC : 0);
	model = crm_match_model_load(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	crm_match_model_require_owner(model);
	lock_model(model);
	model->has_secret = false;	/* a run makes its own pages */
	crm_match_model_secret(model);
	run = crm_match_run_open(model, commits);
	run->number = model->run + 1;
	begin_job(run);
	run->only_looks = has_index(run);
	sorted = index_stage(run);
	train(run, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
	pairs_stage(run);
	crm_match_run_checked(run, crm_match_cluster(run->engine, model->plan->method, model->plan->threshold, &run->fault));
	require_untouched(run);
	write_all(run, sorted);
	end_job(run);
	commit(run);
	crm_match_run_close(run);
	SPI_finish();
	PG_RETURN_VOID();
}
