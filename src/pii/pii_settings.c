/*
 * pii_settings.c: which mask rule holds for the caller.
 *
 * crm.mask_setting holds only what somebody changed.  Of its rows those count
 * that name a role the user is a member of; where none does, the row of public;
 * where there is none either, the default.  Of several roles' rows the narrowest
 * counts at each end.  A value printed inside a SECURITY DEFINER function gets
 * the narrower of what both users may see.
 */
#include "pii_room.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define PUBLIC_NAME "public"

typedef struct MaskSetting
{
	CrmPiiType	type;
	Oid			role;			/* InvalidOid for public */
	CrmMaskRule rule;
} MaskSetting;

static MaskSetting *settings;
static int	setting_count;
static bool settings_loaded;
static Oid	settings_oid;

/* The rules of the last caller. */
static bool rules_valid;
static Oid	rules_current_user;
static Oid	rules_session_user;
static CrmMaskRule rules[CRM_PII_TYPE_END];

static void
settings_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == settings_oid)
		settings_loaded = rules_valid = false;
}

static void
roles_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	settings_loaded = rules_valid = false;
}

static Oid
find_settings_table(void)
{
	Oid			schema = get_namespace_oid("crm", true);

	return OidIsValid(schema) ? get_relname_relid("mask_setting", schema) : InvalidOid;
}

/* One row: (pii_type, role_name, shown_left, shown_right); unknown names are skipped. */
static void
take_setting(HeapTuple tuple, TupleDesc desc)
{
	Datum		value[4];
	bool		isnull[4];
	MaskSetting setting;
	const char *role;

	for (int i = 0; i < 4; i++)
	{
		value[i] = heap_getattr(tuple, i + 1, desc, &isnull[i]);
		if (isnull[i])
			return;
	}
	role = TextDatumGetCString(value[1]);
	setting.role = strcmp(role, PUBLIC_NAME) == 0 ? InvalidOid : get_role_oid(role, true);
	if (!crm_pii_type_find(TextDatumGetCString(value[0]), &setting.type) ||
		(!OidIsValid(setting.role) && strcmp(role, PUBLIC_NAME) != 0))
		return;
	setting.rule.left = DatumGetInt16(value[2]);
	setting.rule.right = DatumGetInt16(value[3]);
	settings = settings == NULL ?
		MemoryContextAlloc(TopMemoryContext, sizeof(MaskSetting)) :
		repalloc(settings, (setting_count + 1) * sizeof(MaskSetting));
	settings[setting_count++] = setting;
}

static void
load_settings(void)
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;

	setting_count = 0;
	settings_loaded = true;
	settings_oid = find_settings_table();
	if (!OidIsValid(settings_oid))
		return;
	rel = table_open(settings_oid, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		take_setting(tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* The rule of one type for one user; a superuser is a member only where he was made one. */
static CrmMaskRule
rule_for(CrmPiiType type, Oid user)
{
	CrmMaskRule everybody = crm_mask_default(type);
	CrmMaskRule own = everybody;
	bool		has_own = false;

	for (int i = 0; i < setting_count; i++)
	{
		if (settings[i].type != type)
			continue;
		if (!OidIsValid(settings[i].role))
			everybody = settings[i].rule;
		else if (is_member_of_role_nosuper(user, settings[i].role))
		{
			own = has_own ? crm_mask_narrower(own, settings[i].rule) : settings[i].rule;
			has_own = true;
		}
	}
	return has_own ? own : everybody;
}

static void
find_rules(Oid current_user, Oid session_user)
{
	if (!settings_loaded)
		load_settings();
	for (int type = CRM_PII_PHONE; type < CRM_PII_TYPE_END; type++)
		rules[type] = crm_mask_narrower(rule_for(type, current_user), rule_for(type, session_user));
	rules_current_user = current_user;
	rules_session_user = session_user;
	rules_valid = true;
}

/* Inside a transaction only: it may read catalogs. */
CrmMaskRule
crm_pii_mask_rule(CrmPiiType type)
{
	Oid			current_user = GetUserId();
	Oid			session_user = GetSessionUserId();

	if (unlikely(!rules_valid || rules_current_user != current_user ||
				 rules_session_user != session_user))
		find_rules(current_user, session_user);
	return rules[type];
}

/* -- changing ------------------------------------------------------------------ */

static CrmPiiType
require_type(const char *name)
{
	CrmPiiType	type;

	if (!crm_pii_type_find(name, &type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no personal-data type of that name"),
				 errdetail("Types: phone, id_number, bank_card, email, person_name, postal_address, private_text."),
				 errhint("SELECT * FROM crm.mask_settings() lists them.")));
	return type;
}

static void
require_mask_right(CrmRight right)
{
	if (crm_pii_has_right(right))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to change masks"),
			 errdetail("crm_admin may narrow a mask below its default, crm_data_admin and superusers may widen it up to its limit."),
			 errhint("Ask the data department.")));
}

static bool
exceeds(CrmMaskRule rule, CrmMaskRule limit)
{
	return rule.left > limit.left || rule.right > limit.right;
}

static void
require_within(CrmMaskRule rule, CrmMaskRule limit)
{
	if (rule.left >= 0 && rule.right >= 0 && !exceeds(rule, limit))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a mask of this type cannot show that much"),
			 errdetail("It shows from 0 to %d at the left and from 0 to %d at the right.",
					   limit.left, limit.right),
			 errhint("crm.reveal() shows a whole value, for a purpose that is logged.")));
}

static void
require_role(const char *name)
{
	if (strcmp(name, PUBLIC_NAME) != 0)
		(void) get_role_oid(name, false);
}

/* Run one statement on the settings table as its owner; returns the rows it touched. */
static uint64
run_as_owner(const char *sql, int nargs, Oid *types, Datum *values)
{
	Oid			table = find_settings_table();
	Relation	rel = table_open(table, RowExclusiveLock);
	Oid			user;
	int			context;
	uint64		rows;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(rel->rd_rel->relowner,
						   context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	SPI_connect();
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not change crm.mask_setting");
	rows = SPI_processed;
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	CacheInvalidateRelcache(rel);
	table_close(rel, NoLock);
	return rows;
}

PG_FUNCTION_INFO_V1(crm_mask_set);
Datum
crm_mask_set(PG_FUNCTION_ARGS)
{
	CrmPiiType	type = require_type(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	char	   *role = text_to_cstring(PG_GETARG_TEXT_PP(1));
	CrmMaskRule rule = {PG_GETARG_INT16(2), PG_GETARG_INT16(3)};
	Oid			types[4] = {TEXTOID, TEXTOID, INT2OID, INT2OID};
	Datum		values[4];

	require_mask_right(exceeds(rule, crm_mask_default(type)) ? CRM_RIGHT_WIDEN : CRM_RIGHT_NARROW);
	require_within(rule, crm_mask_limit(type));
	require_role(role);
	values[0] = CStringGetTextDatum(crm_pii_traits(type)->name);
	values[1] = CStringGetTextDatum(role);
	values[2] = Int16GetDatum(rule.left);
	values[3] = Int16GetDatum(rule.right);
	run_as_owner("INSERT INTO crm.mask_setting (pii_type, role_name, shown_left, shown_right)"
				 " VALUES ($1, $2, $3, $4)"
				 " ON CONFLICT (pii_type, role_name) DO UPDATE"
				 " SET shown_left = excluded.shown_left, shown_right = excluded.shown_right",
				 4, types, values);
	PG_RETURN_VOID();
}

/* Taking a row away may widen what its role sees, back to the default. */
PG_FUNCTION_INFO_V1(crm_mask_reset);
Datum
crm_mask_reset(PG_FUNCTION_ARGS)
{
	CrmPiiType	type = require_type(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {CStringGetTextDatum(crm_pii_traits(type)->name), PG_GETARG_DATUM(1)};

	require_mask_right(CRM_RIGHT_WIDEN);
	PG_RETURN_BOOL(run_as_owner("DELETE FROM crm.mask_setting"
								" WHERE pii_type OPERATOR(pg_catalog.=) $1"
								" AND role_name OPERATOR(pg_catalog.=) $2",
								2, types, values) > 0);
}

/* (shown_left, shown_right, most_left, most_right) of a type: default and limit. */
PG_FUNCTION_INFO_V1(crm_mask_default_sql);
Datum
crm_mask_default_sql(PG_FUNCTION_ARGS)
{
	CrmPiiType	type = require_type(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	CrmMaskRule rule = crm_mask_default(type);
	CrmMaskRule limit = crm_mask_limit(type);
	bool		isnull[4] = {false};
	Datum		values[4];
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int16GetDatum(rule.left);
	values[1] = Int16GetDatum(rule.right);
	values[2] = Int16GetDatum(limit.left);
	values[3] = Int16GetDatum(limit.right);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}

void
crm_pii_settings_init(void)
{
	CacheRegisterRelcacheCallback(settings_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed, (Datum) 0);
}
