/*
 * match_kept.c: models kept between calls, so that a call reads none that has not changed.
 */
#include "match_find.h"
#include "match_inside_core.h"
#include "match_saved.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#define KEPT 4

typedef struct Kept
{
	MemoryContext context;
	CrmMatchStored *model;
} Kept;

static Kept kept[KEPT];
static int	next_kept;

static int32
version_now(const char *name)
{
	Datum		value = CStringGetTextDatum(name);
	CrmMatchOwner owner;
	int32		version = 0;
	bool		isnull;

	crm_match_owner_begin(&owner);
	if (crm_match_saved(MODEL_VERSION, &value, NULL) > 0)
		version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	crm_match_owner_end(&owner);
	return version;
}

static CrmMatchStored *
keep_model(const char *name, bool trusted)
{
	Kept	   *slot = &kept[next_kept++ % KEPT];
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "crm match model", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	CrmMatchStored *model;

	if (slot->context != NULL)
		MemoryContextDelete(slot->context);
	slot->context = context;
	slot->model = NULL;
	model = crm_match_model_load_for(name, false, trusted);
	crm_match_model_require_run(model);
	crm_match_model_secret(model);
	model->scale = palloc(sizeof(CrmMatchScale));
	crm_match_scale(&model->fit, model->scale);
	model->directory = NULL;
	model->context = context;
	slot->model = model;
	MemoryContextSwitchTo(before);
	return model;
}

/*
 * The model, read again only when it has changed.  trusted: the caller answers
 * for the rights, as a trigger does that shows nothing.
 */
CrmMatchStored *
crm_match_kept_model(const char *name, bool trusted)
{
	int32		version = version_now(name);

	for (int i = 0; i < KEPT; i++)
	{
		CrmMatchStored *model = kept[i].model;

		if (model == NULL || model->version != version || strcmp(model->name, name) != 0)
			continue;
		if (!trusted)
			crm_match_source_require(model->source_oid, model->plan, model->owner);
		return model;
	}
	return keep_model(name, trusted);
}
