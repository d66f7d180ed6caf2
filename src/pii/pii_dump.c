/*
 * pii_dump.c: is a value printed for a screen, or copied away?
 *
 * A mask on a screen is right and in a dump is a lost value, so the output function
 * asks here; whoever dumps without the right gets an error.
 */
#include "pii_room.h"

#include "commands/copy.h"
#include "nodes/memnodes.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/portal.h"

typedef enum CrmPiiOutput
{
	CRM_OUTPUT_MASK,
	CRM_OUTPUT_ENVELOPE
} CrmPiiOutput;

static const struct config_enum_entry output_options[] = {
	{"mask", CRM_OUTPUT_MASK, false},
	{"envelope", CRM_OUTPUT_ENVELOPE, false},
	{NULL, 0, false}
};

static int	pii_output = CRM_OUTPUT_MASK;

/* COPY that reads the table itself: its reader may be another database. */
static inline bool
copies_table(const CopyStmt *copy)
{
	return copy->relation != NULL && !copy->is_from;
}

/* The utility statement that a portal serves, NULL when it is a query. */
static Node *
portal_utility(Portal portal)
{
	if (portal == NULL || portal->stmts == NIL)
		return NULL;
	return linitial_node(PlannedStmt, portal->stmts)->utilityStmt;
}

/*
 * A COPY inside a function has no portal, hence the hook.  The first COPY of a
 * session may have begun before this library was loaded: then all that is known
 * is that COPY asks (by the name of its memory context), and we take it for a dump.
 *
 * COPY prints in the leader alone, so this may be a variable.
 */
static const CopyStmt *current_copy;
static ProcessUtility_hook_type next_process_utility;

static inline bool
copy_asks(void)
{
	const char *name = CurrentMemoryContext->name;

	return name != NULL && name[0] == 'C' && strcmp(name, "COPY TO") == 0;
}

static void
run_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
			ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
			DestReceiver *dest, QueryCompletion *completion)
{
	const CopyStmt *outer = current_copy;

	if (IsA(pstmt->utilityStmt, CopyStmt))
		current_copy = (CopyStmt *) pstmt->utilityStmt;
	PG_TRY();
	{
		if (next_process_utility != NULL)
			next_process_utility(pstmt, query, read_only_tree, context, params, environment,
								 dest, completion);
		else
			standard_ProcessUtility(pstmt, query, read_only_tree, context, params, environment,
									dest, completion);
	}
	PG_FINALLY();
	{
		current_copy = outer;
	}
	PG_END_TRY();
}

/*
 * Does output go where a mask would be a lost value?
 *
 * The setting is a setting because parallel workers have it too; a variable of
 * this library would be the leader's alone.  pg_dump also deparses literals in
 * plain SELECTs, hence its application name.
 */
bool
crm_pii_dump_context(void)
{
	Node	   *utility;

	if (unlikely(pii_output == CRM_OUTPUT_ENVELOPE))
		return true;
	if (application_name != NULL && application_name[0] == 'p' &&
		strncmp(application_name, "pg_dump", 7) == 0)
		return true;
	if (unlikely(current_copy != NULL))
		return copies_table(current_copy);

	utility = portal_utility(ActivePortal);
	if (unlikely(utility != NULL && IsA(utility, CopyStmt)))
		return copies_table((CopyStmt *) utility);
	if (unlikely(utility != NULL && IsA(utility, FetchStmt)))
		return strcmp(((FetchStmt *) utility)->portalname, "_pg_dump_cursor") == 0;
	return unlikely(copy_asks());
}

/* Refuse rather than write masks into a dump. */
void
crm_pii_require_envelope_right(void)
{
	if (crm_pii_has_right(CRM_RIGHT_ENVELOPE))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to dump personal data"),
			 errdetail("A dump must hold the envelopes, not their masks, and those are for superusers and members of crm_backup."),
			 errhint("COPY (SELECT ...) TO writes masks. Dump as a member of crm_backup. crm.pii_output and an application_name that begins with pg_dump count as a dump.")));
}

void
crm_pii_dump_init(void)
{
	DefineCustomEnumVariable("crm.pii_output",
							 "What personal data print: their mask, or their envelope (个人信息输出).",
							 "envelope makes any query a lossless dump; it takes superuser or crm_backup, else output raises 42501.",
							 &pii_output, CRM_OUTPUT_MASK, output_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
}
