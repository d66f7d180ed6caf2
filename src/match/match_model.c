/*
 * match_model.c: matching models as rows: made, changed, read.
 *
 * A model belongs to the role that made it.  Whoever may read its source may
 * use it; only the owner's members change it.
 */
#include "match_room.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pii/pii.h"

/* Rows and bytes that a suggestion looks at. */
#define SAMPLE_ROWS		10000
#define SAMPLE_BYTES	(64 * 1024 * 1024)

int			crm_match_workers;
int			crm_match_memory;

void
crm_match_init(void)
{
	DefineCustomIntVariable("crm.match_workers",
							"Threads with which a matching run compares records (匹配线程数).",
							"One computes in the backend itself; raise it to the number of idle cores.",
							&crm_match_workers, 2, 1, 64, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("crm.match_memory",
							"Memory that a matching run may take beside the backend's own (匹配内存上限).",
							"A run that needs more stops with an error instead of bringing the server down; 0 sets no bound.",
							&crm_match_memory, 4096, 0, INT_MAX / 1024, PGC_USERSET, GUC_UNIT_MB, NULL, NULL, NULL);
}

/* One statement of our own as crm_owner; SPI is connected and leaves the memory context as it was. */
void
crm_match_exec(const char *query, int arguments, const Oid *types, const Datum *values, const char *nulls)
{
	MemoryContext before = CurrentMemoryContext;
	CrmMatchOwner owner;

	crm_match_owner_begin(&owner);
	if (SPI_execute_with_args(query, arguments, (Oid *) types, (Datum *) values, nulls, false, 0) < 0)
		elog(ERROR, "crm: %s", SPI_result_code_string(SPI_result));
	crm_match_owner_end(&owner);
	MemoryContextSwitchTo(before);
}

/* -- settings ------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(crm_match_settings_check_sql);
Datum
crm_match_settings_check_sql(PG_FUNCTION_ARGS)
{
	List	   *faults;
	ListCell   *cell;
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	(void) crm_match_plan_read(PG_GETARG_JSONB_P(0), &faults);
	foreach(cell, faults)
		accumArrayResult(state, CStringGetTextDatum(lfirst(cell)), false, TEXTOID, CurrentMemoryContext);
	PG_RETURN_DATUM(makeArrayResult(state, CurrentMemoryContext));
}

static Datum
name_list(const char *const *names, int first)
{
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	for (int i = first; names != NULL && names[i] != NULL; i++)
		accumArrayResult(state, CStringGetTextDatum(names[i]), false, TEXTOID, CurrentMemoryContext);
	return makeArrayResult(state, CurrentMemoryContext);
}

PG_FUNCTION_INFO_V1(crm_match_kinds_sql);
Datum
crm_match_kinds_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const CrmMatchKind *kind;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; (kind = crm_match_kind_at(i)) != NULL; i++)
	{
		Datum		values[4] = {CStringGetTextDatum(kind->name), name_list(kind->level, 1), name_list(kind->family, 0),
		BoolGetDatum(crm_match_kind_conflicts(kind))};
		bool		nulls[4] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* -- suggestion ------------------------------------------------------------------------- */

typedef struct Sample
{
	int			columns;
	size_t		rows;
	size_t		bytes;
	CrmMatchText *value;
	MemoryContext context;
} Sample;

static bool
take_sample(void *context, const char *id, size_t id_length, const CrmMatchText *column)
{
	Sample	   *sample = context;
	CrmMatchText *row = sample->value + sample->rows * sample->columns;

	for (int i = 0; i < sample->columns; i++)
	{
		row[i].text = NULL;
		row[i].length = Min(column[i].length, CRM_MATCH_VALUE_MAX);
		if (column[i].text == NULL)
			continue;
		row[i].text = memcpy(MemoryContextAlloc(sample->context, row[i].length + 1), column[i].text, row[i].length);
		sample->bytes += row[i].length;
	}
	return ++sample->rows < SAMPLE_ROWS && sample->bytes < SAMPLE_BYTES;
}

static uint64
count_rows(Oid source)
{
	bool		isnull;

	if (SPI_execute(psprintf("SELECT pg_catalog.count(*) FROM %s", crm_match_source_name(source)), false, 1) != SPI_OK_SELECT)
		elog(ERROR, "crm: counting a source failed");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* From all over a big table; a view gives its first rows. */
static char *
sample_tail(Oid source, uint64 total)
{
	char		kind = get_rel_relkind(source);

	if (total <= SAMPLE_ROWS)
		return "";
	if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW && kind != RELKIND_PARTITIONED_TABLE)
		return psprintf("LIMIT %d", SAMPLE_ROWS);
	return psprintf("TABLESAMPLE SYSTEM (%.4f) REPEATABLE (1)", Max(0.01, Min(100.0, 120.0 * SAMPLE_ROWS / total)));
}

/* The columns that name a record: crm.match_source_id(), which asks the catalog. */
static void
find_id(Oid source, CrmMatchPlan *plan)
{
	Oid			type = OIDOID;
	Datum		value = ObjectIdGetDatum(source);
	bool		isnull;
	Datum	   *names;
	int			count;

	if (SPI_execute_with_args("SELECT crm.match_source_id($1)", 1, &type, &value, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "crm: match_source_id failed");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	for (int i = 0; i < count && i < CRM_MATCH_ID_COLUMNS; i++)
		plan->id[plan->id_count++] = TextDatumGetCString(names[i]);
}

static bool
is_id(const CrmMatchPlan *plan, const char *name)
{
	for (int i = 0; i < plan->id_count; i++)
		if (strcmp(plan->id[i], name) == 0)
			return true;
	return false;
}

/* As pg_type has it: text, date, int4, person_name. */
static char *
type_name(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	name = pstrdup(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname));
	ReleaseSysCache(tuple);
	return name;
}

/* All columns that the caller may read, those of the id left out. */
static void
list_columns(Oid source, CrmMatchPlan *plan, CrmMatchColumn *column)
{
	Relation	relation = relation_open(source, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	CrmMatchSettings *s = &plan->settings;

	for (int i = 0; i < desc->natts && s->column_count < CRM_MATCH_COLUMN_MAX; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);

		if (a->attisdropped || is_id(plan, NameStr(a->attname)) ||
			(pg_class_aclcheck(source, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
			 pg_attribute_aclcheck(source, a->attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK))
			continue;
		plan->column[s->column_count] = pstrdup(NameStr(a->attname));
		column[s->column_count].name = plan->column[s->column_count];
		column[s->column_count].type = type_name(getBaseType(a->atttypid));
		s->column_count++;
	}
	relation_close(relation, AccessShareLock);
}

/* The engine numbers all columns; the plan keeps those that are compared. */
static CrmMatchPlan *
plan_of_suggestion(const CrmMatchPlan *all, CrmMatchSettings *suggested)
{
	CrmMatchPlan *plan = palloc0(sizeof(CrmMatchPlan));

	*plan = *all;
	plan->settings = *suggested;
	plan->threshold = NAN;
	for (int i = 0; i < suggested->comparison_count; i++)
	{
		const char *name = all->column[suggested->comparison[i].column[0]];
		int			same = 0;

		/* The same column may be compared twice, as its words and as a whole. */
		for (int j = 0; j < i; j++)
			if (strcmp(all->column[suggested->comparison[j].column[0]], name) == 0)
				same++;
		plan->comparison[i] = same == 0 ? pstrdup(name) : psprintf("%s_%s", name, suggested->comparison[i].kind->name);
	}
	return plan;
}

static Jsonb *
suggest(Oid source)
{
	CrmMatchPlan *all = palloc0(sizeof(CrmMatchPlan));
	CrmMatchColumn column[CRM_MATCH_COLUMN_MAX] = {{NULL, NULL}};
	const char *why[CRM_MATCH_COLUMN_MAX] = {NULL};
	CrmMatchSettings suggested;
	CrmMatchFault fault;
	Sample		sample = {.context = CurrentMemoryContext};
	uint64		total;
	CrmMatchCode code;

	crm_match_settings_init(&all->settings);
	crm_match_source_require(source, all, InvalidOid);
	find_id(source, all);
	list_columns(source, all, column);
	crm_match_source_require(source, all, InvalidOid);
	total = count_rows(source);
	sample.columns = all->settings.column_count;
	sample.value = palloc_extended(sizeof(CrmMatchText) * SAMPLE_ROWS * Max(sample.columns, 1), MCXT_ALLOC_HUGE);
	if (sample.columns > 0)
		(void) crm_match_source_read(source, all, sample_tail(source, total), take_sample, &sample);
	crm_match_settings_init(&suggested);
	code = crm_match_suggest(column, sample.columns, sample.value, sample.rows, total, &suggested, why, &fault);
	for (size_t i = 0; i < sample.rows * sample.columns; i++)
		if (sample.value[i].text != NULL)
			explicit_bzero((char *) sample.value[i].text, sample.value[i].length);
	if (code != CRM_MATCH_OK)
		crm_match_fault_raise(&fault);
	return crm_match_plan_write(plan_of_suggestion(all, &suggested), why);
}

static Jsonb *
copy_out(Jsonb *value)
{
	return memcpy(SPI_palloc(VARSIZE(value)), value, VARSIZE(value));
}

PG_FUNCTION_INFO_V1(crm_match_settings_suggest);
Datum
crm_match_settings_suggest(PG_FUNCTION_ARGS)
{
	Jsonb	   *settings;

	SPI_connect();
	settings = copy_out(suggest(PG_GETARG_OID(0)));
	SPI_finish();
	PG_RETURN_JSONB_P(settings);
}

/* -- making and changing -------------------------------------------------------------------- */

static bool
model_exists(const char *name)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(name);

	crm_match_exec("SELECT FROM crm_data.match_model WHERE name = $1", 1, &type, &value, NULL);
	return SPI_processed > 0;
}

static void
require_sources(Oid source, const CrmMatchPlan *plan, Oid model_owner)
{
	crm_match_source_require(source, plan, model_owner);
	if (plan->second_source != NULL)
		crm_match_source_require(crm_match_source_find(plan->second_source), plan, model_owner);
}

static bool
any_personal(Oid source, const CrmMatchPlan *plan)
{
	return crm_match_source_personal(source, plan) ||
		(plan->second_source != NULL && crm_match_source_personal(crm_match_source_find(plan->second_source), plan));
}

PG_FUNCTION_INFO_V1(crm_match_model_create);
Datum
crm_match_model_create(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {TEXTOID, TEXTOID, JSONBOID, NAMEOID, BOOLOID};
	char	   *name;
	Oid			source;
	Jsonb	   *settings;
	CrmMatchPlan *plan;
	Datum		values[5];
	bool		isnull;
	int32		number;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a matching model needs a name and a source")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	source = PG_GETARG_OID(1);
	SPI_connect();
	if (model_exists(name))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("matching model \"%s\" already exists", name),
				 errhint("Change it with crm.match_model_alter(), or remove it with crm.match_model_drop().")));
	settings = PG_ARGISNULL(2) ? suggest(source) : PG_GETARG_JSONB_P(2);
	plan = crm_match_plan_require(settings);
	require_sources(source, plan, InvalidOid);
	values[0] = CStringGetTextDatum(name);
	values[1] = CStringGetTextDatum(crm_match_source_name(source));
	values[2] = JsonbPGetDatum(settings);
	values[3] = DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetUserId(), false)));
	values[4] = BoolGetDatum(any_personal(source, plan));
	crm_match_exec("INSERT INTO crm_data.match_model (name, source, settings, owner, is_sealed) VALUES ($1, $2, $3, $4, $5) RETURNING model_id",
				   5, types, values, NULL);
	number = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	PG_RETURN_INT32(number);
}

/* What a run left and what came after it. */
static void
forget_results(int32 model_id)
{
	static const char *const tables[] = {"match_page", "match_record", "match_key", "match_pair", "match_cluster", "match_gone", "match_counter", "match_report", "match_parameter", "match_stage"};
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(model_id);

	for (int i = 0; i < (int) lengthof(tables); i++)
		crm_match_exec(psprintf("DELETE FROM crm_data.%s WHERE model_id = $1", tables[i]), 1, &type, &value, NULL);
}

PG_FUNCTION_INFO_V1(crm_match_model_alter);
Datum
crm_match_model_alter(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {INT4OID, JSONBOID, BOOLOID};
	Jsonb	   *settings = PG_GETARG_JSONB_P(1);
	CrmMatchPlan *plan = crm_match_plan_require(settings);
	CrmMatchStored *model;
	Datum		values[3];

	SPI_connect();
	model = crm_match_model_load(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	crm_match_model_require_owner(model);
	require_sources(model->source_oid, plan, model->owner);
	forget_results(model->model_id);
	values[0] = Int32GetDatum(model->model_id);
	values[1] = JsonbPGetDatum(settings);
	values[2] = BoolGetDatum(any_personal(model->source_oid, plan));
	crm_match_exec("UPDATE crm_data.match_model SET settings = $2, is_sealed = $3, state = 'new', is_tuned = false, parameters = NULL, fingerprint = NULL,"
				   " records = 0, candidates = 0, pairs = 0, clusters = 0, run = 0, version = version + 1 WHERE model_id = $1",
				   3, types, values, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}

/* -- reading --------------------------------------------------------------------------------- */

pg_noreturn static void no_model(const char *name);

static void
no_model(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("matching model \"%s\" does not exist", name),
			 errhint("crm.match_models() lists those that do; crm.match_model_create() makes one.")));
}

static Datum
column(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, isnull);
}

static int64
column_int(int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static void
read_fit(CrmMatchStored *model, int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);
	bytea	   *packed;

	if (isnull)
		return;
	packed = DatumGetByteaPP(value);
	if (crm_match_model_unpack((unsigned char *) VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), &model->fit) != CRM_MATCH_OK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("parameters of matching model \"%s\" are damaged", model->name),
				 errhint("CALL crm.match_run() with retrain => true.")));
}

static CrmMatchStored *
read_row(const char *name, bool for_update)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(name);
	CrmMatchStored *model = palloc0(sizeof(CrmMatchStored));
	bool		isnull;
	Datum		check;

	crm_match_exec(psprintf("SELECT model_id, source, settings, owner, version, is_tuned, is_sealed, secret_check, fingerprint, run,"
							" records, coalesce((SELECT c.next_cluster FROM crm_data.match_counter c WHERE c.model_id = m.model_id), 1), parameters"
							" FROM crm_data.match_model m WHERE name = $1%s", for_update ? " FOR UPDATE" : ""), 1, &type, &value, NULL);
	if (SPI_processed == 0)
		no_model(name);
	model->name = pstrdup(name);
	model->model_id = DatumGetInt32(column(1, &isnull));
	model->source = TextDatumGetCString(column(2, &isnull));
	model->plan = crm_match_plan_require(DatumGetJsonbPCopy(column(3, &isnull)));
	model->owner = get_role_oid(NameStr(*DatumGetName(column(4, &isnull))), true);
	/* A role that was dropped leaves its models to superusers. */
	if (!OidIsValid(model->owner))
		model->owner = BOOTSTRAP_SUPERUSERID;
	model->version = DatumGetInt32(column(5, &isnull));
	model->is_tuned = DatumGetBool(column(6, &isnull));
	model->sealed = DatumGetBool(column(7, &isnull));
	check = column(8, &isnull);
	model->has_secret = !isnull;
	model->secret_check = isnull ? 0 : DatumGetInt64(check);
	(void) column(9, &isnull);
	model->has_fingerprint = !isnull;
	model->fingerprint = column_int(9);
	model->run = column_int(10);
	model->records = column_int(11);
	model->next_cluster = column_int(12);
	read_fit(model, 13);
	return model;
}

PG_FUNCTION_INFO_V1(crm_match_model_drop);
Datum
crm_match_model_drop(PG_FUNCTION_ARGS)
{
	Oid			type = INT4OID;
	Datum		value;
	CrmMatchStored *model;

	SPI_connect();
	/* Not load(): the source may be gone. */
	model = read_row(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	crm_match_model_require_owner(model);
	forget_results(model->model_id);
	value = Int32GetDatum(model->model_id);
	crm_match_exec("DELETE FROM crm_data.match_model WHERE model_id = $1", 1, &type, &value, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}

CrmMatchStored *
crm_match_model_load(const char *name, bool for_update)
{
	return crm_match_model_load_for(name, for_update, false);
}

/* trusted: the caller answers for the rights. */
CrmMatchStored *
crm_match_model_load_for(const char *name, bool for_update, bool trusted)
{
	CrmMatchStored *model = read_row(name, for_update);
	model->source_oid = crm_match_source_find(model->source);
	if (model->plan->second_source != NULL)
		model->second_oid = crm_match_source_find(model->plan->second_source);
	if (!trusted)
		require_sources(model->source_oid, model->plan, model->owner);
	if (!isnan(model->plan->threshold))
		model->fit.threshold = model->plan->threshold;
	return model;
}

void
crm_match_model_require_owner(const CrmMatchStored *model)
{
	if (!has_privs_of_role(GetUserId(), model->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must have the rights of the owner of matching model \"%s\"", model->name)));
}

void
crm_match_model_require_run(const CrmMatchStored *model)
{
	if (model->run == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("matching model \"%s\" was not run yet", model->name),
				 errhint("CALL crm.match_run('%s');", model->name)));
}

/* The secret of a sealed model's hashes; refuses pages made with another one. */
void
crm_match_model_secret(CrmMatchStored *model)
{
	unsigned char secret[32];

	if (!model->sealed)
		return;
	crm_pii_secret("match", secret);
	memcpy(model->secret, secret, sizeof(model->secret));
	explicit_bzero(secret, sizeof(secret));
	if (model->run > 0 && model->has_secret && model->secret_check != (int64) crm_match_keyed(model->secret, 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the token key has changed since matching model \"%s\" was run", model->name),
				 errhint("CALL crm.match_run('%s');", model->name)));
}

/* -- parameters ----------------------------------------------------------------------------------- */

static void
store_levels(const CrmMatchStored *model, const CrmMatchModel *fit)
{
	static const Oid types[] = {INT4OID, TEXTOID, INT2OID, TEXTOID, FLOAT8OID, FLOAT8OID, FLOAT8OID};
	Datum		values[7] = {Int32GetDatum(model->model_id)};

	crm_match_exec("DELETE FROM crm_data.match_parameter WHERE model_id = $1", 1, types, values, NULL);
	for (int c = 0; c < model->plan->settings.comparison_count; c++)
	{
		const CrmMatchKind *kind = model->plan->settings.comparison[c].kind;

		for (int level = 1; level < crm_match_kind_levels(kind); level++)
		{
			values[1] = CStringGetTextDatum(model->plan->comparison[c]);
			values[2] = Int16GetDatum(level);
			values[3] = CStringGetTextDatum(kind->level[level]);
			values[4] = Float8GetDatum(fit->m[c][level]);
			values[5] = Float8GetDatum(fit->u[c][level]);
			values[6] = Float8GetDatum(fit->weight[c][level]);
			crm_match_exec("INSERT INTO crm_data.match_parameter (model_id, comparison, level, label, m, u, weight) VALUES ($1, $2, $3, $4, $5, $6, $7)",
						   7, types, values, NULL);
		}
	}
}

/* fingerprint: of the records of an unfinished run, NULL for none. */
void
crm_match_model_store_fit(CrmMatchStored *model, const CrmMatchModel *fit, bool is_tuned, const int64 *fingerprint)
{
	static const Oid types[] = {INT4OID, BYTEAOID, BOOLOID, INT8OID};
	size_t		room = crm_match_model_size();
	bytea	   *packed = palloc(VARHDRSZ + room);
	size_t		length = crm_match_model_pack(fit, (unsigned char *) VARDATA(packed), room);
	Datum		values[4];

	if (length == 0)
		elog(ERROR, "crm: a model does not fit its bytes");
	SET_VARSIZE(packed, VARHDRSZ + length);
	values[0] = Int32GetDatum(model->model_id);
	values[1] = PointerGetDatum(packed);
	values[2] = BoolGetDatum(is_tuned);
	values[3] = Int64GetDatum(fingerprint != NULL ? *fingerprint : 0);
	crm_match_exec("UPDATE crm_data.match_model SET parameters = $2, is_tuned = $3, fingerprint = $4, version = version + 1,"
				   " state = CASE state WHEN 'new' THEN 'trained' ELSE state END WHERE model_id = $1",
				   4, types, values, fingerprint != NULL ? "    " : "   n");
	store_levels(model, fit);
	model->fit = *fit;
	model->version++;
}
