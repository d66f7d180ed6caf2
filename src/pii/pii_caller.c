/*
 * pii_caller.c: which rights of this room the caller has.
 *
 * A value costs a microsecond, looking up memberships more, so the answers are
 * kept per pair of users until some role or membership changes.
 */
#include "pii_room.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* The roles that carry a right, at most two. */
static const char *const right_role[CRM_RIGHT_END][2] = {
	[CRM_RIGHT_PLAIN] = {"crm_writer", "crm_searcher"},
	[CRM_RIGHT_ENVELOPE] = {"crm_backup", NULL},
	[CRM_RIGHT_REVEAL] = {"crm_revealer", NULL},
	[CRM_RIGHT_CUSTODY] = {"crm_key_custodian", NULL},
	[CRM_RIGHT_NARROW] = {"crm_admin", "crm_data_admin"},
	[CRM_RIGHT_WIDEN] = {"crm_data_admin", NULL},
	[CRM_RIGHT_COMPARE] = {"crm_steward", NULL},
};

/* Functions with SECURITY DEFINER switch users back and forth: keep a few pairs. */
#define CALLERS 4

typedef struct Caller
{
	Oid			current_user;
	Oid			session_user;
	bool		right[CRM_RIGHT_END];
} Caller;

static Caller callers[CALLERS];
static int	next_caller;

static void
forget_callers(Datum arg, int cacheid, uint32 hashvalue)
{
	memset(callers, 0, sizeof(callers));
}

/*
 * The current user must have the rights of the role at this moment; of the
 * session user it is enough that he could take them by SET ROLE.
 */
static bool
holds_role(const char *name, Oid current_user, Oid session_user)
{
	Oid			role;

	if (name == NULL)
		return false;
	role = get_role_oid(name, true);
	if (!OidIsValid(role))
		return superuser_arg(current_user) && superuser_arg(session_user);
	return has_privs_of_role(current_user, role) && is_member_of_role(session_user, role);
}

static const Caller *
find_caller(Oid current_user, Oid session_user)
{
	Caller		found = {.current_user = current_user, .session_user = session_user};
	Caller	   *slot;

	for (int i = 0; i < CALLERS; i++)
		if (callers[i].current_user == current_user && callers[i].session_user == session_user)
			return &callers[i];

	for (int right = 0; right < CRM_RIGHT_END; right++)
		found.right[right] = holds_role(right_role[right][0], current_user, session_user) ||
			holds_role(right_role[right][1], current_user, session_user);
	slot = &callers[next_caller++ % CALLERS];
	*slot = found;
	return slot;
}

bool
crm_pii_has_right(CrmRight right)
{
	return find_caller(GetUserId(), GetSessionUserId())->right[right];
}

void
crm_pii_require_writer(void)
{
	if (crm_pii_has_right(CRM_RIGHT_PLAIN))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to hand in plain personal data"),
			 errdetail("Plain values are taken from holders of crm_writer or crm_searcher; both the current and the session user must hold it."),
			 errhint("Ask for the role; who only reads needs no plain value: crm.customer_view shows masked ones."),
			 errhidestmt(true)));
}

void
crm_pii_require_steward(void)
{
	if (crm_pii_has_right(CRM_RIGHT_COMPARE))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to compare personal data"),
			 errdetail("Both the current and the session user must hold crm_steward."),
			 errhint("Ask for the role: who can compare values can guess them.")));
}

void
crm_pii_caller_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, forget_callers, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_callers, (Datum) 0);
}
