/*
 * match_answer.c: what SQL asks about one record or one pair: matches with
 * their reasons, the score of a pair, its explanation step by step; and
 * records that are added or taken out one by one.
 */
#include "match_find.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "pii/pii.h"

/* -- a record from an object ------------------------------------------------------------------ */

static char *
field_text(JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
	}
}

static char *
object_field(Jsonb *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);

	return value == NULL ? NULL : field_text(value);
}

static void
require_object(Jsonb *record)
{
	if (!JB_ROOT_IS_OBJECT(record))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a record of a matching model is an object with the columns of its source"),
				 errhidestmt(true)));
}

static void
prepare_texts(CrmMatchFind *find, const CrmMatchText *text)
{
	unsigned char *prepared = palloc(CRM_MATCH_PREPARED_MAX);

	find->prepared_length = crm_match_prepare(&find->model->plan->settings, text, prepared, CRM_MATCH_PREPARED_MAX);
	if (find->prepared_length == 0)
		elog(ERROR, "crm: a record does not fit its prepared bytes");
	find->prepared = prepared;
}

static void
prepare_object(CrmMatchFind *find, Jsonb *record)
{
	CrmMatchText text[CRM_MATCH_COLUMN_MAX];

	require_object(record);
	for (int i = 0; i < find->model->plan->settings.column_count; i++)
	{
		text[i].text = object_field(record, find->model->plan->column[i]);
		text[i].length = text[i].text == NULL ? 0 : Min(strlen(text[i].text), CRM_MATCH_TEXT_MAX);
	}
	prepare_texts(find, text);
}

/* Without one the record's number would have to be guessed. */
static char *
object_id(CrmMatchFind *find, Jsonb *record)
{
	StringInfoData id;

	initStringInfo(&id);
	for (int i = 0; i < find->model->plan->id_count; i++)
	{
		char	   *part = object_field(record, find->model->plan->id[i]);

		if (part == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a record to be added lacks \"%s\", which names it", find->model->plan->id[i])));
		appendStringInfo(&id, "%s%s", i > 0 ? "," : "", part);
	}
	if (id.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("matching model \"%s\" numbers its records, so none can be added", find->model->name),
				 errhint("Give it a unique_id_column_name.")));
	return id.data;
}

/* -- words for scores -------------------------------------------------------------------------- */

static const char *
level_name(const CrmMatchStored *model, int comparison, int level)
{
	return model->plan->settings.comparison[comparison].kind->level[level];
}

static void
append_quoted(StringInfo text, const char *value)
{
	escape_json(text, value);
}

/* What spoke for the match and against it, strongest first as the settings have them. */
static Datum
reasons(const CrmMatchStored *model, const CrmMatchScore *score)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < model->plan->settings.comparison_count; i++)
	{
		const CrmMatchStep *step = &score->step[i];

		if (step->level == 0)
			continue;
		appendStringInfo(&text, "%s{\"comparison\": ", text.len > 1 ? ", " : "");
		append_quoted(&text, model->plan->comparison[i]);
		appendStringInfoString(&text, ", \"level\": ");
		append_quoted(&text, level_name(model, i, step->level));
		appendStringInfo(&text, ", \"weight\": %.2f}", step->weight + step->term);
	}
	appendStringInfoChar(&text, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}

/* -- find_matches_to_new_records ------------------------------------------------------------------ */

static int
by_weight(const void *a, const void *b)
{
	const CrmMatchCandidate *x = a;
	const CrmMatchCandidate *y = b;

	if (x->score.weight != y->score.weight)
		return x->score.weight > y->score.weight ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

static void
put_match(ReturnSetInfo *result, const CrmMatchStored *model, const CrmMatchCandidate *candidate)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = PointerGetDatum(candidate->id);
	values[1] = Int64GetDatum(candidate->cluster);
	values[2] = Float8GetDatum(candidate->score.weight);
	values[3] = Float8GetDatum(candidate->score.probability);
	values[4] = crm_match_vector_array(candidate->score.vector, model->plan->settings.comparison_count);
	values[5] = reasons(model, &candidate->score);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Datum
find_matches(FunctionCallInfo fcinfo, bool trusted)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int32		most = PG_GETARG_INT32(2);
	CrmMatchFind find;

	InitMaterializedSRF(fcinfo, 0);
	crm_match_find_open(&find, text_to_cstring(PG_GETARG_TEXT_PP(0)), trusted);
	prepare_object(&find, PG_GETARG_JSONB_P(1));
	crm_match_find_candidates(&find);
	if (find.count > 1)
		qsort(find.candidate, find.count, sizeof(CrmMatchCandidate), by_weight);
	find.count = Min(find.count, (size_t) Max(most, 0));
	crm_match_find_identities(&find, 0, find.count);
	for (size_t i = 0; i < find.count; i++)
		put_match(result, find.model, &find.candidate[i]);
	crm_match_find_close(&find);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(crm_find_matches);
Datum
crm_find_matches(PG_FUNCTION_ARGS)
{
	return find_matches(fcinfo, false);
}

/* -- one pair --------------------------------------------------------------------------------------- */

static unsigned char *
require_record(CrmMatchFind *find, const char *id)
{
	int64		record = crm_match_find_record(find, id);
	size_t		length;
	unsigned char *prepared = record < 0 ? NULL : crm_match_find_prepared(find, record, &length);

	if (prepared == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("matching model \"%s\" has no record \"%s\"", find->model->name, id),
				 errhint("It knows the records of its last run and those that were added since.")));
	return prepared;
}

/* By ids, or by objects: the second form of score_pair() and explain_pair(). */
static void
score_arguments(FunctionCallInfo fcinfo, CrmMatchFind *find, CrmMatchScore *score)
{
	const unsigned char *a;
	const unsigned char *b;

	crm_match_find_open(find, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	if (get_fn_expr_argtype(fcinfo->flinfo, 1) == JSONBOID)
	{
		prepare_object(find, PG_GETARG_JSONB_P(1));
		a = find->prepared;
		prepare_object(find, PG_GETARG_JSONB_P(2));
		b = find->prepared;
	}
	else
	{
		a = require_record(find, text_to_cstring(PG_GETARG_TEXT_PP(1)));
		b = require_record(find, text_to_cstring(PG_GETARG_TEXT_PP(2)));
	}
	crm_match_find_score(find, a, b, score);
}

PG_FUNCTION_INFO_V1(crm_score_pair);
Datum
crm_score_pair(PG_FUNCTION_ARGS)
{
	CrmMatchFind find;
	CrmMatchScore score;
	TupleDesc	desc;
	int			comparisons;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "crm: score_pair answers a row");
	score_arguments(fcinfo, &find, &score);
	comparisons = find.model->plan->settings.comparison_count;
	crm_match_find_close(&find);
	values[0] = Float8GetDatum(score.weight);
	values[1] = Float8GetDatum(score.probability);
	values[2] = crm_match_vector_array(score.vector, comparisons);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

typedef struct Waterfall
{
	ReturnSetInfo *result;
	int			step;
	double		sum;
} Waterfall;

/* m and u are left out where they say nothing. */
static void
put_step(Waterfall *fall, const char *name, int level, const char *label, const double *m, const double *u, double weight, double term)
{
	Datum		values[9];
	bool		nulls[9] = {false};

	fall->sum += weight + term;
	values[0] = Int32GetDatum(fall->step++);
	values[1] = CStringGetTextDatum(name);
	values[2] = Int16GetDatum(level);
	values[3] = label != NULL ? CStringGetTextDatum(label) : (Datum) 0;
	values[4] = m != NULL ? Float8GetDatum(*m) : (Datum) 0;
	values[5] = u != NULL ? Float8GetDatum(*u) : (Datum) 0;
	values[6] = Float8GetDatum(weight);
	values[7] = Float8GetDatum(term);
	values[8] = Float8GetDatum(fall->sum);
	nulls[2] = nulls[3] = label == NULL;
	nulls[4] = m == NULL;
	nulls[5] = u == NULL;
	tuplestore_putvalues(fall->result->setResult, fall->result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(crm_explain_pair);
Datum
crm_explain_pair(PG_FUNCTION_ARGS)
{
	Waterfall	fall = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	CrmMatchFind find;
	CrmMatchScore score;

	InitMaterializedSRF(fcinfo, 0);
	score_arguments(fcinfo, &find, &score);
	put_step(&fall, "(prior)", 0, NULL, NULL, NULL, score.prior, 0);
	for (int i = 0; i < find.model->plan->settings.comparison_count; i++)
	{
		const CrmMatchStep *step = &score.step[i];
		const CrmMatchModel *fit = &find.model->fit;

		put_step(&fall, find.model->plan->comparison[i], step->level, level_name(find.model, i, step->level),
				 step->level == 0 ? NULL : &fit->m[i][step->level], step->level == 0 ? NULL : &fit->u[i][step->level],
				 step->weight, step->term);
	}
	put_step(&fall, "(interplay)", 0, NULL, NULL, NULL, score.interplay, 0);
	crm_match_find_close(&find);
	return (Datum) 0;
}

/* -- adding and taking out ---------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(crm_match_insert);
Datum
crm_match_insert(PG_FUNCTION_ARGS)
{
	CrmMatchFind find;
	int64		cluster;

	crm_match_find_open(&find, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	prepare_object(&find, PG_GETARG_JSONB_P(1));
	cluster = crm_match_find_add(&find, object_id(&find, PG_GETARG_JSONB_P(1)));
	crm_match_find_close(&find);
	PG_RETURN_INT64(cluster);
}

PG_FUNCTION_INFO_V1(crm_match_remove);
Datum
crm_match_remove(PG_FUNCTION_ARGS)
{
	CrmMatchFind find;
	int64		record;

	crm_match_find_open(&find, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	record = crm_match_find_record(&find, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (record >= 0)
		crm_match_find_remove(&find, record);
	crm_match_find_close(&find);
	PG_RETURN_BOOL(record >= 0);
}

/* A column of a row as the reading of a source would have it. */
static CrmMatchText
row_text(TupleDesc desc, HeapTuple row, const char *name, char *opened)
{
	int			number = SPI_fnumber(desc, name);
	CrmMatchText text = {NULL, 0};
	CrmPiiType	personal;
	bool		isnull;
	Datum		value;

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the row lacks column \"%s\" of its matching model", name)));
	value = SPI_getbinval(row, desc, number, &isnull);
	if (isnull)
		return text;
	personal = crm_pii_type_of(getBaseType(SPI_gettypeid(desc, number)));
	if (personal != CRM_PII_TYPE_END)
	{
		size_t		length;

		crm_pii_open((struct varlena *) DatumGetPointer(value), personal, opened, CRM_PII_TEXT_MAX + 1, &length);
		text.text = pnstrdup(opened, length);
	}
	else
		text.text = SPI_getvalue(row, desc, number);
	text.length = Min(strlen(text.text), CRM_MATCH_TEXT_MAX);
	return text;
}

static void
prepare_row(CrmMatchFind *find, TupleDesc desc, HeapTuple row)
{
	CrmMatchText text[CRM_MATCH_COLUMN_MAX];
	char	   *opened = palloc(CRM_PII_TEXT_MAX + 1);

	for (int i = 0; i < find->model->plan->settings.column_count; i++)
		text[i] = row_text(desc, row, find->model->plan->column[i], opened);
	prepare_texts(find, text);
	explicit_bzero(opened, CRM_PII_TEXT_MAX + 1);
}

static char *
row_id(CrmMatchFind *find, TupleDesc desc, HeapTuple row)
{
	StringInfoData id;

	initStringInfo(&id);
	for (int i = 0; i < find->model->plan->id_count; i++)
	{
		char	   *part = SPI_getvalue(row, desc, SPI_fnumber(desc, find->model->plan->id[i]));

		appendStringInfo(&id, "%s%s", i > 0 ? "," : "", part == NULL ? "" : part);
	}
	return id.data;
}

/* Nobody checks rights here, so a trigger on any other table would let its maker change any model. */
static void
require_own_source(const CrmMatchStored *model, Relation table)
{
	Oid			relation = RelationGetRelid(table);

	if (relation != model->source_oid && relation != model->second_oid &&
		!(table->rd_rel->relispartition && list_member_oid(get_partition_ancestors(relation), model->source_oid)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("matching model \"%s\" does not read table \"%s\"", model->name, RelationGetRelationName(table)),
				 errhint("A trigger keeps a model up with its own source alone; crm.match_catch_up() follows views.")));
}

/*
 * Keeps a model up with its table.  Whoever writes the table needs no right on
 * the model: nothing of it is shown.
 */
PG_FUNCTION_INFO_V1(crm_match_follow);
Datum
crm_match_follow(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	CrmMatchFind find;
	TupleDesc	desc;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.match_follow() is a trigger for each row, with the name of a model")));
	desc = RelationGetDescr(trigger->tg_relation);
	crm_match_find_open(&find, trigger->tg_trigger->tgargs[0], true);
	require_own_source(find.model, trigger->tg_relation);
	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
	{
		int64		record = crm_match_find_record(&find, row_id(&find, desc, trigger->tg_trigtuple));

		if (record >= 0)
			crm_match_find_remove(&find, record);
		if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		{
			/* What was removed must be gone before it comes again. */
			crm_match_find_close(&find);
			crm_match_find_open(&find, trigger->tg_trigger->tgargs[0], true);
		}
	}
	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
	{
		HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;

		prepare_row(&find, desc, row);
		(void) crm_match_find_add(&find, row_id(&find, desc, row));
	}
	crm_match_find_close(&find);
	return PointerGetDatum(NULL);
}

/* -- models as a whole ------------------------------------------------------------------------------------ */

PG_FUNCTION_INFO_V1(crm_match_require);
Datum
crm_match_require(PG_FUNCTION_ARGS)
{
	SPI_connect();
	(void) crm_match_model_load(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	SPI_finish();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(crm_match_self_weights);
Datum
crm_match_self_weights(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CrmMatchFind find;
	CrmMatchList *list;
	CrmMatchListed listed;

	InitMaterializedSRF(fcinfo, 0);
	crm_match_find_open(&find, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	list = crm_match_list(find.model);
	while (crm_match_list_next(list, &listed))
	{
		size_t		length;
		unsigned char *prepared = crm_match_find_prepared(&find, listed.record, &length);
		CrmMatchScore score;
		Datum		values[2];
		bool		nulls[2] = {false};

		if (prepared == NULL)
			continue;
		crm_match_find_score(&find, prepared, prepared, &score);
		values[0] = PointerGetDatum(cstring_to_text_with_len(listed.id, (int) listed.id_length));
		values[1] = Float8GetDatum(score.weight);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
		pfree(prepared);
	}
	crm_match_list_end(list);
	crm_match_find_close(&find);
	return (Datum) 0;
}

/* -- rows of the source that came later ------------------------------------------------------------------ */

typedef struct Adding
{
	const char *model;
	int64		added;
} Adding;

static bool
add_row(void *context, const char *id, size_t id_length, const CrmMatchText *column)
{
	Adding	   *adding = context;
	CrmMatchFind find;

	/* The rights were checked when the source was opened. */
	crm_match_find_open(&find, adding->model, true);
	prepare_texts(&find, column);
	(void) crm_match_find_add(&find, pnstrdup(id, id_length));
	crm_match_find_close(&find);
	adding->added++;
	return true;
}

/* Where the type's own = stands, whatever the search_path. */
static const char *
equality_schema(Oid type)
{
	HeapTuple	operator = SearchSysCache1(OPEROID, ObjectIdGetDatum(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr));
	const char *schema;

	if (!HeapTupleIsValid(operator))
		elog(ERROR, "crm: type %u has no equality", type);
	schema = quote_identifier(get_namespace_name(((Form_pg_operator) GETSTRUCT(operator))->oprnamespace));
	ReleaseSysCache(operator);
	return schema;
}

static char *
where_ids(const CrmMatchStored *model, ArrayType *ids)
{
	char	   *name = model->plan->id_count == 1 ? model->plan->id[0] : NULL;
	Oid			output;
	bool		varlena;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows can be added by id only where one column names them"),
				 errhint("Use crm.match_insert(), or run the model again.")));
	getTypeOutputInfo(TEXTARRAYOID, &output, &varlena);
	return psprintf("WHERE s.%s OPERATOR(%s.=) ANY (%s::%s[])", quote_identifier(name),
					equality_schema(get_atttype(model->source_oid, get_attnum(model->source_oid, name))),
					quote_literal_cstr(OidOutputFunctionCall(output, PointerGetDatum(ids))),
					format_type_extended(get_atttype(model->source_oid, get_attnum(model->source_oid, name)), -1, FORMAT_TYPE_FORCE_QUALIFY));
}

PG_FUNCTION_INFO_V1(crm_match_add);
Datum
crm_match_add(PG_FUNCTION_ARGS)
{
	Adding		adding = {text_to_cstring(PG_GETARG_TEXT_PP(0)), 0};
	CrmMatchStored *model;

	SPI_connect();
	model = crm_match_model_load(adding.model, false);
	crm_match_model_require_run(model);
	crm_match_source_read(model->source_oid, model->plan, where_ids(model, PG_GETARG_ARRAYTYPE_P(1)), add_row, &adding);
	SPI_finish();
	PG_RETURN_INT64(adding.added);
}

/* -- rows of the source that changed under their ids ------------------------------------------------------ */

typedef struct KnownRecord
{
	uint64		id;				/* hash of it: the key */
	uint64		prepared;		/* hash of what was prepared of the row */
	char		status;
} KnownRecord;

#define SH_PREFIX known
#define SH_ELEMENT_TYPE KnownRecord
#define SH_KEY_TYPE uint64
#define SH_KEY id
#define SH_HASH_KEY(table, key) ((uint32) (key))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

typedef struct Changed
{
	ReturnSetInfo *result;
	const CrmMatchStored *model;
	known_hash *known;
	unsigned char *prepared;
} Changed;

static known_hash *
known_records(CrmMatchFind *find)
{
	known_hash *known = known_create(CurrentMemoryContext, 1024, NULL);
	CrmMatchList *list = crm_match_list(find->model);
	CrmMatchListed listed;

	while (crm_match_list_next(list, &listed))
	{
		size_t		length;
		bool		found;
		unsigned char *prepared = crm_match_find_prepared(find, listed.record, &length);

		if (prepared == NULL)
			continue;
		known_insert(known, crm_match_id_hash(listed.id, listed.id_length), &found)->prepared =
			hash_bytes_extended(prepared, (int) length, 0);
		pfree(prepared);
	}
	crm_match_list_end(list);
	return known;
}

static bool
changed_row(void *context, const char *id, size_t id_length, const CrmMatchText *column)
{
	Changed    *changed = context;
	KnownRecord *known = known_lookup(changed->known, crm_match_id_hash(id, id_length));
	size_t		length;
	Datum		value;
	bool		isnull = false;

	if (known == NULL)
		return true;
	length = crm_match_prepare(&changed->model->plan->settings, column, changed->prepared, CRM_MATCH_PREPARED_MAX);
	if (hash_bytes_extended(changed->prepared, (int) length, 0) == known->prepared)
		return true;
	value = PointerGetDatum(cstring_to_text_with_len(id, (int) id_length));
	tuplestore_putvalues(changed->result->setResult, changed->result->setDesc, &value, &isnull);
	pfree(DatumGetPointer(value));
	return true;
}

PG_FUNCTION_INFO_V1(crm_match_changed);
Datum
crm_match_changed(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext outer = CurrentMemoryContext;
	Changed		changed = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	CrmMatchFind find;
	CrmMatchStored *model;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	changed.prepared = palloc(CRM_MATCH_PREPARED_MAX);
	crm_match_find_open(&find, name, false);
	MemoryContextSwitchTo(outer);
	changed.known = known_records(&find);
	crm_match_find_close(&find);
	SPI_connect();
	changed.model = model = crm_match_model_load(name, false);
	crm_match_source_read(model->source_oid, model->plan, "", changed_row, &changed);
	SPI_finish();
	return (Datum) 0;
}

/* As crm_find_matches, for crm_owner's own functions, which answer for their callers. */
PG_FUNCTION_INFO_V1(crm_find_matches_trusted);
Datum
crm_find_matches_trusted(PG_FUNCTION_ARGS)
{
	return find_matches(fcinfo, true);
}
