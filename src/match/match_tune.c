/*
 * match_tune.c: training step by step, and predictions that are shown instead
 * of stored: what somebody does who tunes a model.
 */
#include "match_run.h"
#include "match_inside_core.h"

#include <math.h>

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static CrmMatchStored *
owned_model(FunctionCallInfo fcinfo)
{
	CrmMatchStored *model = crm_match_model_load(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);

	crm_match_model_require_owner(model);
	return model;
}

static CrmMatchRun *
read_model(CrmMatchStored *model)
{
	CrmMatchRun *run = crm_match_run_open(model, false);

	crm_match_run_read(run);
	return run;
}

static void
keep_fit(CrmMatchRun *run)
{
	crm_match_model_store_fit(run->model, crm_match_model(run->engine), true, NULL);
	crm_match_run_close(run);
	SPI_finish();
}

/* What was learned so far is where the next step begins. */
static void
use_fit(CrmMatchRun *run)
{
	if (run->model->fit.comparison_count > 0)
		crm_match_run_checked(run, crm_match_set_model(run->engine, &run->model->fit, &run->fault));
}

/* -- steps of training ---------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(crm_estimate_u);
Datum
crm_estimate_u(PG_FUNCTION_ARGS)
{
	CrmMatchStored *model;
	CrmMatchRun *run;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	model = owned_model(fcinfo);
	if (!PG_ARGISNULL(1))
		model->plan->settings.random_pairs = (uint32) Max(100, Min(PG_GETARG_INT64(1), INT64CONST(1000000000)));
	if (!PG_ARGISNULL(2))
		model->plan->settings.seed = (uint64) PG_GETARG_INT64(2);
	run = read_model(model);
	use_fit(run);
	crm_match_run_checked(run, crm_match_train_u(run->engine, &run->fault));
	keep_fit(run);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(crm_estimate_m);
Datum
crm_estimate_m(PG_FUNCTION_ARGS)
{
	CrmMatchStored *model;
	CrmMatchRun *run;
	int			rule = PG_ARGISNULL(1) ? -1 : PG_GETARG_INT32(1) - 1;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	model = owned_model(fcinfo);
	if (rule < -1 || rule >= model->plan->settings.rule_count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("matching model \"%s\" has no blocking rule %d", model->name, rule + 1),
				 errhint("Its rules are numbered from 1 to %d; null takes all.", model->plan->settings.rule_count)));
	run = read_model(model);
	use_fit(run);
	/* u is estimated in passing where nobody did before: it needs no parameters of its own. */
	crm_match_run_checked(run, crm_match_train_u(run->engine, &run->fault));
	crm_match_run_checked(run, crm_match_train_m(run->engine, rule, &run->fault));
	keep_fit(run);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(crm_match_train_sql);
Datum
crm_match_train_sql(PG_FUNCTION_ARGS)
{
	CrmMatchRun *run;

	SPI_connect();
	run = read_model(owned_model(fcinfo));
	crm_match_run_checked(run, crm_match_train(run->engine, &run->fault));
	keep_fit(run);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(crm_estimate_m_from_labels);
Datum
crm_estimate_m_from_labels(PG_FUNCTION_ARGS)
{
	CrmMatchRun *run;
	CrmMatchLabel *label;
	size_t		count;

	SPI_connect();
	run = read_model(owned_model(fcinfo));
	label = crm_match_run_labels(run, crm_match_run_sort_ids(run), &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nobody has judged a pair of matching model \"%s\"", run->model->name),
				 errhint("crm.match_label() keeps what a person says of a pair.")));
	crm_match_run_checked(run, crm_match_train(run->engine, &run->fault));
	crm_match_run_checked(run, crm_match_train_labels(run->engine, label, count, &run->fault));
	keep_fit(run);
	PG_RETURN_VOID();
}

/* -- predictions that are shown ----------------------------------------------------------------- */

/* Read, take or learn the parameters, predict. */
static CrmMatchRun *
predict(FunctionCallInfo fcinfo)
{
	CrmMatchRun *run = read_model(crm_match_model_load(text_to_cstring(PG_GETARG_TEXT_PP(0)), false));

	if (run->model->fit.trained)
		use_fit(run);
	else
		crm_match_run_checked(run, crm_match_train(run->engine, &run->fault));
	crm_match_run_checked(run, crm_match_predict(run->engine, &run->fault));
	return run;
}

static Datum
record_text(const CrmMatchRun *run, uint32 record)
{
	size_t		length;
	const char *id = crm_match_run_id(run, record, &length);

	return PointerGetDatum(cstring_to_text_with_len(id, (int) length));
}

PG_FUNCTION_INFO_V1(crm_match_predict_sql);
Datum
crm_match_predict_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext per_row;
	CrmMatchRun *run;
	const CrmMatchPair *pair;
	size_t		count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	run = predict(fcinfo);
	pair = crm_match_pairs(run->engine, &count);
	per_row = AllocSetContextCreate(run->context, "crm match pair", ALLOCSET_SMALL_SIZES);
	for (size_t i = 0; i < count; i++)
	{
		MemoryContext before;
		Datum		values[5];
		bool		nulls[5] = {false};

		if (!PG_ARGISNULL(1) && pair[i].weight < PG_GETARG_FLOAT8(1))
			continue;
		before = MemoryContextSwitchTo(per_row);
		values[0] = record_text(run, pair[i].left);
		values[1] = record_text(run, pair[i].right);
		values[2] = Float8GetDatum(pair[i].weight);
		values[3] = Float8GetDatum(crm_match_probability(pair[i].weight));
		values[4] = crm_match_vector_array(pair[i].vector, run->model->plan->settings.comparison_count);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextSwitchTo(before);
		MemoryContextReset(per_row);
		CHECK_FOR_INTERRUPTS();
	}
	crm_match_run_close(run);
	SPI_finish();
	return (Datum) 0;
}

static CrmMatchMethod
require_method(FunctionCallInfo fcinfo, int argument)
{
	CrmMatchMethod method = CRM_MATCH_AVERAGE_LINKAGE;

	if (!PG_ARGISNULL(argument) && !crm_match_method_find(text_to_cstring(PG_GETARG_TEXT_PP(argument)), &method))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no such method of clustering"),
				 errhint("Methods are average_linkage, connected_components and best_link.")));
	return method;
}

PG_FUNCTION_INFO_V1(crm_cluster_at_threshold);
Datum
crm_cluster_at_threshold(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CrmMatchMethod method;
	CrmMatchRun *run;
	const uint32 *cluster;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	method = require_method(fcinfo, 2);
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	run = predict(fcinfo);
	crm_match_run_checked(run, crm_match_cluster(run->engine, method, PG_ARGISNULL(1) ? run->model->plan->threshold : PG_GETARG_FLOAT8(1), &run->fault));
	cluster = crm_match_clusters(run->engine);
	for (uint32 i = 0; i < crm_match_records(run->engine); i++)
	{
		Datum		values[2] = {record_text(run, i), Int64GetDatum((int64) cluster[i] + 1)};
		bool		nulls[2] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
	}
	crm_match_run_close(run);
	SPI_finish();
	return (Datum) 0;
}
