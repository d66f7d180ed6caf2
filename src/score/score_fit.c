/*
 * score_fit.c: what the aggregates of this room share; logistic regression.
 */
#include "score/score_fit.h"

#include <limits.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "score/score_logit_core.h"

static int	fit_memory = 1024 * 1024;

void
crm_score_fit_init(void)
{
	DefineCustomIntVariable("crm.score_fit_memory",
							"Most memory that one aggregate of room score may hold (评分拟合内存上限).",
							"Fitting keeps the data while it is read; raise it to fit more rows, lower it where many fit at once.",
							&fit_memory, 1024 * 1024, 64, INT_MAX, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
}

MemoryContext
crm_score_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "called outside of an aggregate");
	return context;
}

void
crm_score_room(Size bytes)
{
	if (unlikely(bytes / 1024 > (Size) fit_memory))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many rows to fit at once"),
				 errdetail("The aggregate would hold more than crm.score_fit_memory, %d kB.", fit_memory),
				 errhint("Raise crm.score_fit_memory, or fit a sample of the rows.")));
}

void
crm_score_interrupt(void)
{
	CHECK_FOR_INTERRUPTS();
}

Datum
crm_score_tuple(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	description;

	if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "result is not a row");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
}

void
crm_score_require_columns(bool fit, const char *wanted)
{
	if (!fit)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the query gives other columns than are read"),
				 errdetail("Read are %s.", wanted),
				 errhint("crm.rfm_score() and crm.scorecard_fit() write such queries.")));
}

ArrayType *
crm_score_float_array(const double *values, int n)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = Float8GetDatum(values[i]);
	return construct_array(elements, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

const double *
crm_score_floats(ArrayType *array, int *n)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array must have one dimension"),
				 errdetail("It has %d.", ARR_NDIM(array)),
				 errhint("Give one array of numbers for each row.")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls"),
				 errdetail("A number is missing in one of the rows."),
				 errhint("Leave such rows out with FILTER, or put a value with an indicator column in place of the null.")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (const double *) ARR_DATA_PTR(array);
}

double
crm_score_finite(double value, const char *what)
{
	if (unlikely(!isfinite(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number", what),
				 errdetail("NaN and infinities have no place in a sum over customers."),
				 errhint("Leave such rows out with FILTER, or correct them.")));
	return value;
}

/* -- logistic regression: rows in tiles --------------------------------------------------- */

typedef struct LogitState
{
	CrmLogitData data;
	size_t		room;
	CrmLogitTile *open;			/* the tile that takes the next row */
} LogitState;

static LogitState *
logit_begin(MemoryContext context, int columns)
{
	LogitState *state;

	if (columns > CRM_LOGIT_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many columns to fit"),
				 errdetail("There are %d; at most %d are possible.", columns, CRM_LOGIT_COLUMNS),
				 errhint("Merge categories, or bin them by woe_bins.")));
	state = MemoryContextAllocZero(context, sizeof(LogitState));
	state->data.columns = columns;
	state->data.interrupt = crm_score_interrupt;
	state->room = 16;
	state->data.tile = MemoryContextAlloc(context, sizeof(CrmLogitTile *) * state->room);
	return state;
}

static CrmLogitTile *
logit_new_tile(MemoryContext context, LogitState *state)
{
	CrmLogitData *data = &state->data;

	crm_score_room((data->tiles + 1) * CRM_LOGIT_TILE_BYTES(data->columns));
	if (data->tiles == state->room)
	{
		state->room *= 2;
		data->tile = repalloc_huge(data->tile, sizeof(CrmLogitTile *) * state->room);
	}
	data->tile[data->tiles] = MemoryContextAlloc(context, CRM_LOGIT_TILE_BYTES(data->columns));
	data->tile[data->tiles]->rows = 0;
	return data->tile[data->tiles++];
}

static void
check_length(int expected, int actual)
{
	if (unlikely(expected != actual))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays must have the same length"),
				 errdetail("One row has %d numbers, another %d.", expected, actual),
				 errhint("Give every row all columns, in the same order.")));
}

PG_FUNCTION_INFO_V1(crm_logistic_regression_step);
Datum
crm_logistic_regression_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	LogitState *state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);
	const double *x;
	ArrayType  *array;
	int			n;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	array = PG_GETARG_ARRAYTYPE_P(2);
	x = crm_score_floats(array, &n);
	if (state == NULL)
		state = logit_begin(context, n);
	check_length(state->data.columns, n);
	if (state->open == NULL || state->open->rows == CRM_LOGIT_ROWS)
		state->open = logit_new_tile(context, state);
	for (int j = 0; j < n; j++)
		state->open->x[j * CRM_LOGIT_ROWS + state->open->rows] = crm_score_finite(x[j], "a column of x");
	state->open->y[state->open->rows++] = PG_GETARG_BOOL(1);
	if ((Pointer) array != PG_GETARG_POINTER(2))
		pfree(array);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_logistic_regression_combine);
Datum
crm_logistic_regression_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	LogitState *state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);
	LogitState *other = PG_ARGISNULL(1) ? NULL : (LogitState *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = logit_begin(context, other->data.columns);
	check_length(state->data.columns, other->data.columns);
	for (size_t t = 0; t < other->data.tiles; t++)
		memcpy(logit_new_tile(context, state), other->data.tile[t], CRM_LOGIT_TILE_BYTES(state->data.columns));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_logistic_regression_serialize);
Datum
crm_logistic_regression_serialize(PG_FUNCTION_ARGS)
{
	LogitState *state = (LogitState *) PG_GETARG_POINTER(0);
	Size		tile = CRM_LOGIT_TILE_BYTES(state->data.columns);
	Size		bytes = sizeof(int32) + state->data.tiles * tile;
	bytea	   *result;
	char	   *at;

	/* What one worker hands over is one value: 1 GB. */
	if (bytes > MaxAllocSize - VARHDRSZ)
		crm_score_room((Size) INT_MAX * 1024 + bytes);
	result = palloc(VARHDRSZ + bytes);
	SET_VARSIZE(result, VARHDRSZ + bytes);
	at = VARDATA(result);
	memcpy(at, &state->data.columns, sizeof(int32));
	at += sizeof(int32);
	for (size_t t = 0; t < state->data.tiles; t++, at += tile)
		memcpy(at, state->data.tile[t], tile);
	PG_RETURN_BYTEA_P(result);
}

PG_FUNCTION_INFO_V1(crm_logistic_regression_deserialize);
Datum
crm_logistic_regression_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	const char *at = VARDATA_ANY(value);
	Size		bytes = VARSIZE_ANY_EXHDR(value) - sizeof(int32);
	int32		columns;
	LogitState *state;
	Size		tile;

	crm_score_context(fcinfo);
	memcpy(&columns, at, sizeof(int32));
	state = logit_begin(CurrentMemoryContext, columns);
	tile = CRM_LOGIT_TILE_BYTES(columns);
	at += sizeof(int32);
	for (; bytes >= tile; bytes -= tile, at += tile)
		memcpy(logit_new_tile(CurrentMemoryContext, state), at, tile);
	PG_RETURN_POINTER(state);
}

static const char *
logit_hint(CrmLogitFault fault)
{
	switch (fault)
	{
		case CRM_LOGIT_ONE_CLASS:
			return "Give rows with and without the event.";
		case CRM_LOGIT_SEPARATED:
			return "Leave out the column that gives the outcome away, merge rare categories, or use scorecard_fit, whose penalty keeps points finite.";
		default:
			return "Leave the column out; of a category's indicator columns leave out one, since the intercept is there.";
	}
}

static void
report_logit(CrmLogitFault fault, int column)
{
	bool		named = fault == CRM_LOGIT_CONSTANT || fault == CRM_LOGIT_COLLINEAR;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("logistic regression has no unique solution"),
			 named ? errdetail("Column %d of x: %s", column, crm_logit_reason(fault)) : errdetail("%s", crm_logit_reason(fault)),
			 errhint("%s", logit_hint(fault))));
}

PG_FUNCTION_INFO_V1(crm_logistic_regression_final);
Datum
crm_logistic_regression_final(PG_FUNCTION_ARGS)
{
	LogitState *state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);
	CrmLogitFit fit = {0};
	CrmLogitFault fault;
	Datum		values[5];
	bool		nulls[5] = {0};
	int			p;

	crm_score_context(fcinfo);
	if (state == NULL)
		PG_RETURN_NULL();
	p = state->data.columns + 1;
	fit.coefficients = palloc0(sizeof(double) * p);
	fit.standard_errors = palloc0(sizeof(double) * p);
	fault = crm_logit_fit(&state->data, palloc(sizeof(double) * crm_logit_scratch(p - 1)), &fit);
	if (fault != CRM_LOGIT_OK)
		report_logit(fault, fit.column);
	values[0] = PointerGetDatum(crm_score_float_array(fit.coefficients, p));
	values[1] = PointerGetDatum(crm_score_float_array(fit.standard_errors, p));
	values[2] = Float8GetDatum(fit.log_likelihood);
	values[3] = Int32GetDatum(fit.iterations);
	values[4] = BoolGetDatum(fit.converged);
	return crm_score_tuple(fcinfo, values, nulls);
}
