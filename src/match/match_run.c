/*
 * match_run.c: a run over whole tables: its stages, and the engine that works for it.
 *
 * A run reads the source and indexes it, trains unless it need not, predicts part
 * by part, clusters, and writes pages.  It commits between these stages where its
 * caller allows it, so that other sessions see how far it is; in a transaction
 * block it is one step.  A stage that is finished stands in crm_data.match_stage
 * with what it rests on: a run that was stopped is taken up behind it, as long as
 * records, settings and parameters are the same.  Nobody reads the pages of a run
 * before it is the model's last.
 *
 * Here stand the stages, their order and how one is taken up; match_read.c reads
 * what they work on and match_write.c writes what they found.
 *
 * The engine's memory is malloc'ed and hangs on the memory context of the call,
 * so that an error frees it.
 */
#include "match_run.h"
#include "match_inside_core.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

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

bool
crm_match_run_canceled(void *context)
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
void
crm_match_run_commit(CrmMatchRun *run)
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
	crm_match_run_commit(run);
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
	run->host.canceled = crm_match_run_canceled;
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

/* -- a run ---------------------------------------------------------------------------------------------- */

static void
begin_job(CrmMatchRun *run)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(psprintf("%s: reading", run->model->name));
	bool		isnull;

	crm_match_exec("INSERT INTO crm_data.job (kind, subject) VALUES ('match', $1) RETURNING job_id", 1, &type, &value, NULL);
	run->job = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	crm_match_run_commit(run);
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
	crm_match_run_commit(run);
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
	crm_match_run_commit(run);
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
	crm_match_write_records(run, run->number);
	crm_match_write_ids(run, run->number, sorted);
	crm_match_write_keys(run, run->number);
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
	crm_match_write_pairs(run, run->number, before);
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
	crm_match_write_result(run, sorted);
	end_job(run);
	crm_match_run_commit(run);
	crm_match_run_close(run);
	SPI_finish();
	PG_RETURN_VOID();
}
