/*
 * bulk.c: many rows into one table at once, from a query.
 *
 * COPY writes pages where INSERT writes rows, and checks no reference until the
 * end; an import has millions of rows, and has just written itself what they
 * refer to.  So where a table is as deploy() made it, rows go in by pages, with
 * defaults, generated columns, constraints and indexes as ever, and the
 * references among the tables of one import are not looked up again: their
 * other end is a row of this same transaction that nobody else can see.
 *
 * Where somebody has added a trigger, a rule, a restrictive policy, a partition
 * or a reference to a table elsewhere, the same query runs as a plain INSERT.
 */
#include "crm.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "optimizer/optimizer.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "intake/bulk.h"

/* Rows that are written together; COPY takes as many. */
#define BULK_ROWS 1000

typedef struct BulkWriter
{
	DestReceiver receiver;		/* first: the executor's handle */
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *info;
	BulkInsertState state;
	CommandId	command;
	int			given;			/* columns of the query */
	AttrNumber *attribute;		/* of each of them */
	ExprState **defaults;		/* by attribute, null where the query gives it */
	int			rows;
	TupleTableSlot *slots[BULK_ROWS];
} BulkWriter;

SPIPlanPtr
crm_bulk_prepare(SPIPlanPtr *plan, const char *query, int nargs, Oid *types)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(query, nargs, types);

		if (made == NULL)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(made);
		*plan = made;
	}
	return *plan;
}

static Oid
data_table(const char *name)
{
	return get_relname_relid(name, get_namespace_oid("crm_data", false));
}

static bool
is_one_of(Oid relation, const char *const *tables)
{
	for (; *tables != NULL; tables++)
		if (data_table(*tables) == relation)
			return true;
	return false;
}

/* Whether leaving this trigger out breaks no rule. */
static bool
trigger_is_met(const Trigger *trigger, const char *const *parents, const char *met_trigger)
{
	if (trigger->tgenabled == TRIGGER_DISABLED || !TRIGGER_FOR_INSERT(trigger->tgtype))
		return true;
	if (trigger->tgisinternal)
		return RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_FK &&
			is_one_of(trigger->tgconstrrelid, parents);
	return met_trigger != NULL && strcmp(trigger->tgname, met_trigger) == 0;
}

static bool
is_as_deployed(Relation relation, const char *const *parents, const char *met_trigger)
{
	ListCell   *cell;

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rules != NULL ||
		relation->rd_rel->relispartition)
		return false;
	for (int i = 0; relation->trigdesc != NULL && i < relation->trigdesc->numtriggers; i++)
		if (!trigger_is_met(&relation->trigdesc->triggers[i], parents, met_trigger))
			return false;
	foreach(cell, relation->rd_rsdesc != NULL ? relation->rd_rsdesc->policies : NIL)
		if (!((RowSecurityPolicy *) lfirst(cell))->permissive)
			return false;
	return true;
}

/* Which attributes the query gives; the others get their defaults. */
static void
map_columns(BulkWriter *w, const char *columns, TupleDesc query)
{
	TupleDesc	table = RelationGetDescr(w->relation);
	List	   *names;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(columns), ',', &names) || list_length(names) != query->natts)
		elog(ERROR, "columns of %s do not fit its query", RelationGetRelationName(w->relation));
	w->given = query->natts;
	w->attribute = palloc(w->given * sizeof(AttrNumber));
	foreach(cell, names)
	{
		int			i = foreach_current_index(cell);
		AttrNumber	attribute = get_attnum(RelationGetRelid(w->relation), lfirst(cell));

		if (attribute <= 0 ||
			TupleDescAttr(table, attribute - 1)->atttypid != TupleDescAttr(query, i)->atttypid)
			elog(ERROR, "column %s of %s does not fit its query",
				 (char *) lfirst(cell), RelationGetRelationName(w->relation));
		w->attribute[i] = attribute;
	}
}

static void
prepare_defaults(BulkWriter *w)
{
	TupleDesc	table = RelationGetDescr(w->relation);

	w->defaults = palloc0(table->natts * sizeof(ExprState *));
	for (int i = 0; i < table->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(table, i);
		bool		given = attribute->attisdropped || attribute->attgenerated;
		Node	   *expression;

		for (int j = 0; j < w->given && !given; j++)
			given = w->attribute[j] == i + 1;
		expression = given ? NULL : build_column_default(w->relation, i + 1);
		if (expression != NULL)
			w->defaults[i] = ExecInitExpr(expression_planner((Expr *) expression), NULL);
	}
}

static void
flush(BulkWriter *w)
{
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(w->estate));

	if (w->rows > 0)
		table_multi_insert(w->relation, w->slots, w->rows, w->command, 0, w->state);
	for (int i = 0; i < w->rows; i++)
	{
		if (w->info->ri_NumIndices > 0)
			CRM_INSERT_INDEX_TUPLES(w->info, w->slots[i], w->estate);
		ExecClearTuple(w->slots[i]);
	}
	w->rows = 0;
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(w->estate);
}

static void
fill(BulkWriter *w, TupleTableSlot *from, TupleTableSlot *to)
{
	int			natts = RelationGetDescr(w->relation)->natts;
	ExprContext *context = GetPerTupleExprContext(w->estate);

	ExecClearTuple(to);
	for (int i = 0; i < natts; i++)
	{
		to->tts_values[i] = (Datum) 0;
		to->tts_isnull[i] = true;
		if (w->defaults[i] != NULL)
			to->tts_values[i] = ExecEvalExprSwitchContext(w->defaults[i], context, &to->tts_isnull[i]);
	}
	for (int i = 0; i < w->given; i++)
	{
		to->tts_values[w->attribute[i] - 1] = from->tts_values[i];
		to->tts_isnull[w->attribute[i] - 1] = from->tts_isnull[i];
	}
	ExecStoreVirtualTuple(to);
	to->tts_tableOid = RelationGetRelid(w->relation);
}

/* The slot of the next row; slots outlive the query that fills them. */
static TupleTableSlot *
next_slot(BulkWriter *w)
{
	if (w->slots[w->rows] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(w->estate->es_query_cxt);

		w->slots[w->rows] = table_slot_create(w->relation, NULL);
		MemoryContextSwitchTo(old);
	}
	return w->slots[w->rows];
}

static bool
receive(TupleTableSlot *from, DestReceiver *receiver)
{
	BulkWriter *w = (BulkWriter *) receiver;
	TupleConstr *constraints = RelationGetDescr(w->relation)->constr;
	TupleTableSlot *slot = next_slot(w);

	slot_getallattrs(from);
	fill(w, from, slot);
	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(w->info, w->estate, slot, CMD_INSERT);
	else
		ExecMaterializeSlot(slot);
	if (constraints != NULL)
		ExecConstraints(w->info, slot, w->estate);
	if (++w->rows == BULK_ROWS)
		flush(w);
	else
		ResetPerTupleExprContext(w->estate);
	return true;
}

static void
nothing_to_start(DestReceiver *receiver, int operation, TupleDesc desc)
{
}

static void
nothing_to_end(DestReceiver *receiver)
{
}

static BulkWriter *
begin(Relation relation, const char *columns, TupleDesc query)
{
	BulkWriter *w = palloc0(sizeof(BulkWriter));

	w->receiver.receiveSlot = receive;
	w->receiver.rStartup = nothing_to_start;
	w->receiver.rShutdown = nothing_to_end;
	w->receiver.rDestroy = nothing_to_end;
	w->receiver.mydest = DestTransientRel;
	w->relation = relation;
	w->estate = CreateExecutorState();
	w->info = makeNode(ResultRelInfo);
	InitResultRelInfo(w->info, relation, 0, NULL, 0);
	ExecOpenIndices(w->info, false);
	w->state = GetBulkInsertState();
	w->command = GetCurrentCommandId(true);
	map_columns(w, columns, query);
	prepare_defaults(w);
	return w;
}

static void
end(BulkWriter *w)
{
	flush(w);
	for (int i = 0; i < BULK_ROWS && w->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(w->slots[i]);
	ExecCloseIndices(w->info);
	FreeBulkInsertState(w->state);
	FreeExecutorState(w->estate);
}

static void
execute(SPIPlanPtr plan, DestReceiver *receiver)
{
	SPIExecuteOptions options = {.dest = receiver};
	int			result = SPI_execute_plan_extended(plan, &options);

	if (result < 0)
		elog(ERROR, "could not execute: %s", SPI_result_code_string(result));
}

void
crm_bulk_insert(const CrmBulkTarget *target, const char *const *parents,
				const char *met_trigger, SPIPlanPtr *query_plan, SPIPlanPtr *insert_plan)
{
	Relation	relation = table_open(data_table(target->table), RowExclusiveLock);

	if (is_as_deployed(relation, parents, met_trigger))
	{
		SPIPlanPtr	plan = crm_bulk_prepare(query_plan, target->query, 0, NULL);
		CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
		BulkWriter *w = begin(relation, target->columns, source->resultDesc);

		execute(plan, &w->receiver);
		end(w);
	}
	else
		execute(crm_bulk_prepare(insert_plan,
								 psprintf("INSERT INTO crm_data.%s (%s) %s", target->table, target->columns, target->query),
								 0, NULL), NULL);
	table_close(relation, NoLock);
}
