/*
 * score_apply.c: score models applied to rows of SQL.  What a call site needs is made
 * ready once for each statement; a row then costs its numbers and one copied result.
 */
#include "score_card.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

typedef enum ReadKind
{
	READ_FLOAT8,
	READ_FLOAT4,
	READ_INT2,
	READ_INT4,
	READ_INT8,
	READ_BOOL,
	READ_NUMERIC,
	READ_TEXT,					/* a varlena of characters */
	READ_OUTPUT					/* by the output function of its type */
} ReadKind;

typedef struct Reader
{
	ReadKind	kind;
	bool		parse;			/* a number written as text */
	int			attribute;		/* of a row, from 1 */
	FmgrInfo	output;
} Reader;

/* What a call site remembers from row to row. */
typedef struct Site
{
	uint64		generation;
	char		name[CRM_MODEL_NAME];
	size_t		name_length;
	const CrmCardEntry *entry;
	int			arguments;
	Oid			row_type;
	int32		row_typmod;
	TupleDesc	row_desc;
	Datum	   *value;
	bool	   *isnull;
	Reader	   *reader;
	CrmScoreInput *input;
	CrmScored	scored;
	/* the result up to the points, as it is for every row */
	HeapTupleHeader head;
	size_t		points_at;
	size_t		reasons_at;
	MemoryContext context;
} Site;

static void
report_columns(const CrmCardEntry *entry, int given)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < entry->card.count; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", entry->input[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("score model \"%s\" version %d has %d characteristics, but %d values were given",
					entry->model, entry->version, entry->card.count, given),
			 errhint("In this order: %s.", names.data)));
}

static void
report_type(const char *input, Oid type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("characteristic \"%s\" wants a number, not type %s", input, format_type_be(type)),
			 errhint("Cast the column, for example to double precision.")));
}

static void
report_no_column(const CrmCardEntry *entry, const char *input)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("the row has no column \"%s\", which score model \"%s\" reads", input, entry->model)));
}

static void
report_json(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no single value", name),
			 errhint("Inputs are an object: a number, text, boolean or null for each input of the model.")));
}

static void
report_null_model(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("score model must not be null")));
}

static ReadKind
number_kind(const char *input, Oid type)
{
	switch (type)
	{
		case FLOAT8OID:
			return READ_FLOAT8;
		case FLOAT4OID:
			return READ_FLOAT4;
		case INT2OID:
			return READ_INT2;
		case INT4OID:
			return READ_INT4;
		case INT8OID:
			return READ_INT8;
		case BOOLOID:
			return READ_BOOL;
		case NUMERICOID:
			return READ_NUMERIC;
		case TEXTOID:
		case VARCHAROID:
			return READ_TEXT;
		case UNKNOWNOID:
			return READ_OUTPUT;
		default:
			report_type(input, type);
	}
	return READ_OUTPUT;
}

static void
bind(Site *site, int at, Oid type)
{
	bool		is_category = site->entry->card.item[at].is_category;
	Reader	   *reader = &site->reader[at];
	Oid			output;
	bool		is_varlena;

	type = getBaseType(type);
	if (!is_category)
		reader->kind = number_kind(site->entry->input[at], type);
	else
		reader->kind = type == TEXTOID || type == VARCHAROID ? READ_TEXT : READ_OUTPUT;
	reader->parse = !is_category && (reader->kind == READ_TEXT || reader->kind == READ_OUTPUT);
	if (reader->kind == READ_OUTPUT)
	{
		getTypeOutputInfo(type, &output, &is_varlena);
		fmgr_info_cxt(output, &reader->output, site->context);
	}
}

static inline double
number_of(const Reader *reader, Datum value)
{
	switch (reader->kind)
	{
		case READ_FLOAT8:
			return DatumGetFloat8(value);
		case READ_FLOAT4:
			return DatumGetFloat4(value);
		case READ_INT2:
			return DatumGetInt16(value);
		case READ_INT4:
			return DatumGetInt32(value);
		case READ_INT8:
			return (double) DatumGetInt64(value);
		case READ_BOOL:
			return DatumGetBool(value);
		default:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
	}
}

static void
read_text(Reader *reader, Datum value, CrmScoreInput *input)
{
	if (reader->kind == READ_TEXT)
	{
		struct varlena *text = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));

		input->text = VARDATA_ANY(text);
		input->length = VARSIZE_ANY_EXHDR(text);
		if (reader->parse)
			input->number = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(text_to_cstring(text))));
		return;
	}
	input->text = OutputFunctionCall(&reader->output, value);
	input->length = strlen(input->text);
	/* "true" is what people write into a list, not "t" */
	if (reader->output.fn_oid == F_BOOLOUT)
	{
		input->text = DatumGetBool(value) ? "true" : "false";
		input->length = DatumGetBool(value) ? 4 : 5;
	}
	if (reader->parse)
		input->number = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(input->text)));
}

static inline void
read_input(Site *site, int at, Datum value, bool isnull)
{
	Reader	   *reader = &site->reader[at];
	CrmScoreInput *input = &site->input[at];

	input->text = NULL;
	if (isnull)
		input->number = NAN;
	else if (likely(reader->kind < READ_TEXT))
		input->number = number_of(reader, value);
	else
		read_text(reader, value, input);
}

/*
 * The result is a row (total, points[], reasons[]) of which all but the numbers and
 * the reasons is the same each time, so that it is copied and not formed.
 */
static void
prepare_result(Site *site, FunctionCallInfo fcinfo)
{
	int			count = site->entry->card.count;
	TupleDesc	desc;
	ArrayType  *points;

	site->points_at = MAXALIGN(SizeofHeapTupleHeader) + sizeof(int32);
	site->reasons_at = site->points_at + ARR_OVERHEAD_NONULLS(1) + sizeof(int32) * count;
	site->head = MemoryContextAllocZero(site->context, site->reasons_at);
	/* The server makes a header, since only it knows what it puts there; the total alone has no function of rows. */
	if (get_call_result_type(fcinfo, NULL, &desc) == TYPEFUNC_COMPOSITE)
	{
		Datum		nothing = PointerGetDatum(construct_empty_array(INT4OID));
		HeapTuple	form = heap_form_tuple(BlessTupleDesc(desc), (Datum[]) {0, nothing, nothing}, (bool[]) {false, false, false});

		memcpy(site->head, form->t_data, MAXALIGN(SizeofHeapTupleHeader));
	}
	points = (ArrayType *) ((char *) site->head + site->points_at);
	SET_VARSIZE(points, ARR_OVERHEAD_NONULLS(1) + sizeof(int32) * count);
	points->ndim = 1;
	points->elemtype = INT4OID;
	ARR_DIMS(points)[0] = count;
	ARR_LBOUND(points)[0] = 1;
	site->scored.bin = MemoryContextAlloc(site->context, sizeof(int32) * count);
	site->scored.points = MemoryContextAlloc(site->context, sizeof(int32) * count);
}

static size_t
reasons_size(const Site *site)
{
	size_t		size = site->scored.reason_count == 0 ? ARR_OVERHEAD_NONULLS(0) : ARR_OVERHEAD_NONULLS(1);

	for (int i = 0; i < site->scored.reason_count; i++)
	{
		int			at = site->scored.reason[i];

		size += INTALIGN(VARSIZE(site->entry->reason[at][site->scored.bin[at]]));
	}
	return size;
}

static void
write_reasons(const Site *site, ArrayType *reasons, size_t size)
{
	char	   *end;

	SET_VARSIZE(reasons, size);
	reasons->ndim = site->scored.reason_count == 0 ? 0 : 1;
	reasons->dataoffset = 0;
	reasons->elemtype = TEXTOID;
	if (site->scored.reason_count == 0)
		return;
	ARR_DIMS(reasons)[0] = site->scored.reason_count;
	ARR_LBOUND(reasons)[0] = 1;
	end = ARR_DATA_PTR(reasons);
	for (int i = 0; i < site->scored.reason_count; i++)
	{
		int			at = site->scored.reason[i];
		const struct varlena *piece = site->entry->reason[at][site->scored.bin[at]];

		memcpy(end, piece, INTALIGN(VARSIZE(piece)));
		end += INTALIGN(VARSIZE(piece));
	}
}

static Datum
result(const Site *site)
{
	size_t		reasons = reasons_size(site);
	size_t		size = site->reasons_at + reasons;
	char	   *row = palloc(size);

	memcpy(row, site->head, site->points_at + ARR_OVERHEAD_NONULLS(1));
	HeapTupleHeaderSetDatumLength((HeapTupleHeader) row, size);
	*(int32 *) (row + MAXALIGN(SizeofHeapTupleHeader)) = site->scored.total;
	memcpy(row + site->points_at + ARR_OVERHEAD_NONULLS(1), site->scored.points, sizeof(int32) * site->entry->card.count);
	write_reasons(site, (ArrayType *) (row + site->reasons_at), reasons);
	return PointerGetDatum(row);
}

static Site *
open_site(FunctionCallInfo fcinfo, text *model)
{
	MemoryContext context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "crm score call", ALLOCSET_SMALL_SIZES);
	Site	   *site = MemoryContextAllocZero(context, sizeof(Site));
	int			count;

	site->context = context;
	site->name_length = VARSIZE_ANY_EXHDR(model);
	site->entry = crm_card_lookup(VARDATA_ANY(model), site->name_length);
	memcpy(site->name, VARDATA_ANY(model), site->name_length);
	site->generation = site->entry->generation;
	count = site->entry->card.count;
	site->reader = MemoryContextAllocZero(context, sizeof(Reader) * count);
	site->input = MemoryContextAllocZero(context, sizeof(CrmScoreInput) * count);
	prepare_result(site, fcinfo);
	return site;
}

static inline bool
same_model(const Site *site, text *model)
{
	return site->generation == crm_card_generation && VARSIZE_ANY_EXHDR(model) == site->name_length &&
		memcmp(VARDATA_ANY(model), site->name, site->name_length) == 0;
}

static void
close_site(FunctionCallInfo fcinfo)
{
	Site	   *site = fcinfo->flinfo->fn_extra;

	fcinfo->flinfo->fn_extra = NULL;
	if (site != NULL)
		MemoryContextDelete(site->context);
}

static text *
model_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		report_null_model();
	return PG_GETARG_TEXT_PP(0);
}

/* -- columns in the order of the characteristics ---------------------------------------------------- */

static void
check_count(const Site *site, int given)
{
	if (given != site->entry->card.count)
		report_columns(site->entry, given);
}

static Site *
columns_site(FunctionCallInfo fcinfo, text *model)
{
	Site	   *site = fcinfo->flinfo->fn_extra;

	if (likely(site != NULL && same_model(site, model)))
		return site;
	close_site(fcinfo);
	site = open_site(fcinfo, model);
	if (!get_fn_expr_variadic(fcinfo->flinfo))
	{
		check_count(site, PG_NARGS() - 1);
		for (int i = 0; i < site->entry->card.count; i++)
			bind(site, i, get_fn_expr_argtype(fcinfo->flinfo, i + 1));
	}
	else
		for (int i = 0; i < site->entry->card.count; i++)
			bind(site, i, get_element_type(get_fn_expr_argtype(fcinfo->flinfo, 1)));
	fcinfo->flinfo->fn_extra = site;
	return site;
}

static void
read_array(FunctionCallInfo fcinfo, Site *site)
{
	ArrayType  *array;
	Datum	   *value;
	bool	   *isnull;
	int			count;
	int16		length;
	bool		by_value;
	char		align;

	if (PG_ARGISNULL(1))
		report_columns(site->entry, 0);
	array = PG_GETARG_ARRAYTYPE_P(1);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &value, &isnull, &count);
	check_count(site, count);
	for (int i = 0; i < count; i++)
		read_input(site, i, value[i], isnull[i]);
}

static Site *
score_columns(FunctionCallInfo fcinfo)
{
	Site	   *site = columns_site(fcinfo, model_argument(fcinfo));

	if (get_fn_expr_variadic(fcinfo->flinfo))
		read_array(fcinfo, site);
	else
		for (int i = 0; i < site->entry->card.count; i++)
			read_input(site, i, fcinfo->args[i + 1].value, fcinfo->args[i + 1].isnull);
	crm_card_score(&site->entry->card, site->input, &site->scored);
	return site;
}

PG_FUNCTION_INFO_V1(crm_score_columns);
Datum
crm_score_columns(PG_FUNCTION_ARGS)
{
	return result(score_columns(fcinfo));
}

PG_FUNCTION_INFO_V1(crm_score_total);
Datum
crm_score_total(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(score_columns(fcinfo)->scored.total);
}

/* -- a row whose columns bear the names of the inputs ------------------------------------------------- */

static int
attribute_number(const Site *site, const char *name)
{
	for (int i = 0; i < site->row_desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(site->row_desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return i + 1;
	}
	report_no_column(site->entry, name);
	return 0;
}

static void
bind_row(Site *site, HeapTupleHeader row)
{
	site->row_type = HeapTupleHeaderGetTypeId(row);
	site->row_typmod = HeapTupleHeaderGetTypMod(row);
	site->row_desc = lookup_rowtype_tupdesc_copy(site->row_type, site->row_typmod);
	site->value = palloc(sizeof(Datum) * site->row_desc->natts);
	site->isnull = palloc(sizeof(bool) * site->row_desc->natts);
	for (int i = 0; i < site->entry->card.count; i++)
	{
		int			attribute = attribute_number(site, site->entry->input[i]);

		bind(site, i, TupleDescAttr(site->row_desc, attribute - 1)->atttypid);
		site->reader[i].attribute = attribute;
	}
}

static Site *
row_site(FunctionCallInfo fcinfo, text *model, HeapTupleHeader row)
{
	Site	   *site = fcinfo->flinfo->fn_extra;
	MemoryContext before;

	if (likely(site != NULL && same_model(site, model) &&
			   site->row_type == HeapTupleHeaderGetTypeId(row) && site->row_typmod == HeapTupleHeaderGetTypMod(row)))
		return site;
	close_site(fcinfo);
	site = open_site(fcinfo, model);
	before = MemoryContextSwitchTo(site->context);
	bind_row(site, row);
	MemoryContextSwitchTo(before);
	fcinfo->flinfo->fn_extra = site;
	return site;
}

PG_FUNCTION_INFO_V1(crm_score_row);
Datum
crm_score_row(PG_FUNCTION_ARGS)
{
	text	   *model = model_argument(fcinfo);
	HeapTupleHeader row;
	HeapTupleData tuple;
	Site	   *site;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	row = PG_GETARG_HEAPTUPLEHEADER(1);
	site = row_site(fcinfo, model, row);
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	heap_deform_tuple(&tuple, site->row_desc, site->value, site->isnull);
	for (int i = 0; i < site->entry->card.count; i++)
	{
		int			attribute = site->reader[i].attribute - 1;

		read_input(site, i, site->value[attribute], site->isnull[attribute]);
	}
	crm_card_score(&site->entry->card, site->input, &site->scored);
	return result(site);
}

/* -- the recorded inputs of a customer: an object of values by the names of the inputs ------------------ */

static void
read_json_string(bool is_category, const JsonbValue *value, CrmScoreInput *input)
{
	if (is_category)
	{
		input->text = value->val.string.val;
		input->length = value->val.string.len;
	}
	else
		input->number = DatumGetFloat8(DirectFunctionCall1(float8in,
														   CStringGetDatum(pnstrdup(value->val.string.val, value->val.string.len))));
}

static void
read_json_number(bool is_category, const JsonbValue *value, CrmScoreInput *input)
{
	if (is_category)
	{
		input->text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		input->length = strlen(input->text);
	}
	else
		input->number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
}

static void
read_json(Site *site, int at, const JsonbValue *value)
{
	bool		is_category = site->entry->card.item[at].is_category;
	CrmScoreInput *input = &site->input[at];

	input->text = NULL;
	input->number = NAN;
	if (value == NULL || value->type == jbvNull)
		return;
	if (value->type == jbvString)
		read_json_string(is_category, value, input);
	else if (value->type == jbvNumeric)
		read_json_number(is_category, value, input);
	else if (value->type == jbvBool)
	{
		input->text = value->val.boolean ? "true" : "false";
		input->length = strlen(input->text);
		input->number = value->val.boolean;
	}
	else
		report_json(site->entry->input[at]);
}

static Site *
json_site(FunctionCallInfo fcinfo, text *model)
{
	Site	   *site = fcinfo->flinfo->fn_extra;

	if (likely(site != NULL && same_model(site, model)))
		return site;
	close_site(fcinfo);
	return fcinfo->flinfo->fn_extra = open_site(fcinfo, model);
}

PG_FUNCTION_INFO_V1(crm_score_inputs);
Datum
crm_score_inputs(PG_FUNCTION_ARGS)
{
	Jsonb	   *inputs = PG_GETARG_JSONB_P(1);
	Site	   *site = json_site(fcinfo, PG_GETARG_TEXT_PP(0));

	if (!JB_ROOT_IS_OBJECT(inputs))
		report_json("inputs");
	for (int i = 0; i < site->entry->card.count; i++)
	{
		const char *name = site->entry->input[i];
		JsonbValue	value;

		read_json(site, i, getKeyJsonValueFromContainer(&inputs->root, name, strlen(name), &value));
	}
	crm_card_score(&site->entry->card, site->input, &site->scored);
	return result(site);
}
