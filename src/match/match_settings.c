/*
 * match_settings.c: a model's settings between jsonb and the engine.
 *
 * Reading collects every fault with its path before it refuses; the shape is
 * described once, in COMMENT ON FUNCTION crm.match_settings_check().
 */
#include "match_room.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/numeric.h"

static const char *const link_name[] = {"dedupe_only", "link_only", "link_and_dedupe"};
static const char *const method_name[] = {"average_linkage", "connected_components", "best_link"};

static const char *const known_field[] = {
	"link_type", "unique_id_column_name", "second_source", "comparisons",
	"blocking_rules_to_generate_predictions", "block_cap", "random_pairs",
	"max_iterations", "seed", "keep_match_weight", "threshold_match_weight", "method"
};

static const char *const known_comparison_field[] = {
	"name", "kind", "columns", "thresholds", "term_frequency", "note"
};

/* Everything about the settings at hand. */
typedef struct Reading
{
	CrmMatchPlan *plan;
	List	   *faults;
} Reading;

static void
fault(Reading *r, const char *format,...) pg_attribute_printf(2, 3);

static void
fault(Reading *r, const char *format,...)
{
	StringInfoData text;
	va_list		arguments;
	int			needed;

	initStringInfo(&text);
	do
	{
		va_start(arguments, format);
		needed = appendStringInfoVA(&text, format, arguments);
		va_end(arguments);
		if (needed > 0)
			enlargeStringInfo(&text, needed);
	} while (needed > 0);
	r->faults = lappend(r->faults, text.data);
}

/* -- jsonb, value by value ------------------------------------------------------ */

static JsonbValue *
field(JsonbContainer *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), NULL);

	return value != NULL && value->type != jbvNull ? value : NULL;
}

static char *
text_of(const JsonbValue *value)
{
	return value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

static int
elements(const JsonbValue *value)
{
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return -1;
	return JsonContainerSize(value->val.binary.data);
}

static JsonbValue *
element(const JsonbValue *array, int i)
{
	return getIthJsonbValueFromContainer(array->val.binary.data, i);
}

static bool
number_of(const JsonbValue *value, double *number)
{
	if (value->type != jbvNumeric)
		return false;
	*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
	return isfinite(*number);
}

static void
read_number(Reading *r, JsonbContainer *object, const char *name, double least, double most, double *number)
{
	JsonbValue *value = field(object, name);
	double		given;

	if (value == NULL)
		return;
	if (!number_of(value, &given) || given < least || given > most)
		fault(r, "%s: a number from %g to %g", name, least, most);
	else
		*number = given;
}

static uint64
read_count(Reading *r, JsonbContainer *object, const char *name, double least, double most, uint64 otherwise)
{
	double		number = (double) otherwise;

	read_number(r, object, name, least, most, &number);
	return (uint64) number;
}

static int
read_word(Reading *r, JsonbContainer *object, const char *name, const char *const *words, int count)
{
	JsonbValue *value = field(object, name);
	char	   *text = value != NULL ? text_of(value) : NULL;
	StringInfoData known;

	if (value == NULL)
		return 0;
	for (int i = 0; i < count && text != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	initStringInfo(&known);
	for (int i = 0; i < count; i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", words[i]);
	fault(r, "%s: one of %s", name, known.data);
	return 0;
}

static void
refuse_strangers(Reading *r, JsonbContainer *object, const char *path, const char *const *known, int count)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool		found = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; i < count && !found; i++)
			found = (int) strlen(known[i]) == value.val.string.len &&
				memcmp(known[i], value.val.string.val, value.val.string.len) == 0;
		if (!found)
			fault(r, "%s%.*s: not a setting", path, Min(value.val.string.len, 60), value.val.string.val);
	}
}

/* -- comparisons and rules ------------------------------------------------------- */

/* The number of a column in the plan, which grows as columns are named. */
static int
plan_column(Reading *r, const char *path, const char *name)
{
	CrmMatchSettings *s = &r->plan->settings;

	for (int i = 0; i < s->column_count; i++)
		if (strcmp(r->plan->column[i], name) == 0)
			return i;
	if (s->column_count == CRM_MATCH_COLUMN_MAX)
	{
		fault(r, "%s: more than %d columns", path, CRM_MATCH_COLUMN_MAX);
		return 0;
	}
	r->plan->column[s->column_count] = pstrdup(name);
	return s->column_count++;
}

static void
read_columns(Reading *r, const JsonbValue *value, const char *path, CrmMatchComparison *comparison)
{
	int			count = value != NULL ? elements(value) : -1;

	if (count < 1 || count > CRM_MATCH_JOIN_MAX)
	{
		fault(r, "%s.columns: a list of 1 to %d names of columns", path, CRM_MATCH_JOIN_MAX);
		return;
	}
	for (int i = 0; i < count; i++)
	{
		char	   *name = text_of(element(value, i));

		if (name == NULL)
			fault(r, "%s.columns[%d]: the name of a column", path, i);
		else
			comparison->column[comparison->column_count++] = plan_column(r, path, name);
	}
}

static void
read_thresholds(Reading *r, const JsonbValue *value, const char *path, CrmMatchArg *arg)
{
	int			count = elements(value);

	if (count < 1 || count > CRM_MATCH_LEVEL_MAX - 2)
	{
		fault(r, "%s.thresholds: a list of 1 to %d numbers", path, CRM_MATCH_LEVEL_MAX - 2);
		return;
	}
	for (int i = 0; i < count; i++)
		if (!number_of(element(value, i), &arg->threshold[i]))
			fault(r, "%s.thresholds[%d]: a number", path, i);
	arg->count = count;
}

static void
read_comparison(Reading *r, const JsonbValue *value, int number)
{
	CrmMatchSettings *s = &r->plan->settings;
	CrmMatchComparison *comparison = &s->comparison[s->comparison_count];
	char	   *path = psprintf("comparisons[%d]", number);
	JsonbContainer *object;
	JsonbValue *part;
	char	   *kind;
	char	   *name;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
	{
		fault(r, "%s: an object", path);
		return;
	}
	object = value->val.binary.data;
	refuse_strangers(r, object, psprintf("%s.", path), known_comparison_field, lengthof(known_comparison_field));

	part = field(object, "kind");
	kind = part != NULL ? text_of(part) : NULL;
	comparison->kind = kind != NULL ? crm_match_kind_find(kind) : NULL;
	if (comparison->kind == NULL)
		fault(r, "%s.kind: a kind of crm.match_kinds()", path);
	read_columns(r, field(object, "columns"), path, comparison);
	if ((part = field(object, "thresholds")) != NULL)
		read_thresholds(r, part, path, &comparison->arg);
	comparison->term_frequency = true;
	if ((part = field(object, "term_frequency")) != NULL)
	{
		if (part->type != jbvBool)
			fault(r, "%s.term_frequency: true or false", path);
		else
			comparison->term_frequency = part->val.boolean;
	}
	part = field(object, "name");
	name = part != NULL ? text_of(part) : comparison->column_count > 0 ? r->plan->column[comparison->column[0]] : NULL;
	if (name == NULL || name[0] == '\0')
		name = psprintf("%d", number);
	for (int i = 0; i < s->comparison_count; i++)
		if (strcmp(r->plan->comparison[i], name) == 0)
			fault(r, "%s.name: another comparison has this name", path);
	r->plan->comparison[s->comparison_count++] = name;
}

static void
read_comparisons(Reading *r, JsonbContainer *root)
{
	JsonbValue *value = field(root, "comparisons");
	int			count = value != NULL ? elements(value) : -1;

	if (count < 1 || count > CRM_MATCH_COMPARISON_MAX)
	{
		fault(r, "comparisons: a list of 1 to %d objects", CRM_MATCH_COMPARISON_MAX);
		return;
	}
	for (int i = 0; i < count; i++)
		read_comparison(r, element(value, i), i);
}

/* "comparison:family" into its numbers. */
static bool
find_part(const CrmMatchPlan *plan, const char *text, int *comparison, int *family)
{
	const char *colon = strrchr(text, ':');

	for (int c = 0; colon != NULL && c < plan->settings.comparison_count; c++)
	{
		const CrmMatchKind *kind = plan->settings.comparison[c].kind;

		if (kind == NULL || strlen(plan->comparison[c]) != (size_t) (colon - text) ||
			memcmp(plan->comparison[c], text, colon - text) != 0)
			continue;
		for (int f = 0; f < crm_match_kind_families(kind); f++)
			if (strcmp(kind->family[f], colon + 1) == 0)
			{
				*comparison = c;
				*family = f;
				return true;
			}
	}
	return false;
}

static void
read_rule(Reading *r, const JsonbValue *value, int number)
{
	CrmMatchSettings *s = &r->plan->settings;
	CrmMatchRule *rule = &s->rule[s->rule_count++];
	int			count = elements(value);

	if (count < 1 || count > CRM_MATCH_PART_MAX)
	{
		fault(r, "blocking_rules_to_generate_predictions[%d]: a list of 1 to %d texts comparison:family", number, CRM_MATCH_PART_MAX);
		return;
	}
	for (int i = 0; i < count; i++)
	{
		char	   *text = text_of(element(value, i));

		if (text == NULL || !find_part(r->plan, text, &rule->part[i].comparison, &rule->part[i].family))
			fault(r, "blocking_rules_to_generate_predictions[%d][%d]: comparison:family, of a comparison above and a family of its kind (crm.match_kinds())", number, i);
	}
	rule->count = count;
}

static void
read_rules(Reading *r, JsonbContainer *root)
{
	JsonbValue *value = field(root, "blocking_rules_to_generate_predictions");
	int			count = value != NULL ? elements(value) : -1;

	if (count < 1 || count > CRM_MATCH_RULE_MAX)
	{
		fault(r, "blocking_rules_to_generate_predictions: a list of 1 to %d rules", CRM_MATCH_RULE_MAX);
		return;
	}
	for (int i = 0; i < count; i++)
		read_rule(r, element(value, i), i);
}

static void
read_id(Reading *r, JsonbContainer *root)
{
	JsonbValue *value = field(root, "unique_id_column_name");
	int			count;

	if (value == NULL)
		return;
	if (value->type == jbvString)
	{
		r->plan->id[r->plan->id_count++] = text_of(value);
		return;
	}
	count = elements(value);
	if (count < 1 || count > CRM_MATCH_ID_COLUMNS)
	{
		fault(r, "unique_id_column_name: the name of a column, or a list of up to %d", CRM_MATCH_ID_COLUMNS);
		return;
	}
	for (int i = 0; i < count; i++)
	{
		char	   *name = text_of(element(value, i));

		if (name == NULL)
			fault(r, "unique_id_column_name[%d]: the name of a column", i);
		else
			r->plan->id[r->plan->id_count++] = name;
	}
}

static void
read_root(Reading *r, JsonbContainer *root)
{
	CrmMatchSettings *s = &r->plan->settings;
	JsonbValue *second = field(root, "second_source");

	refuse_strangers(r, root, "", known_field, lengthof(known_field));
	s->link = read_word(r, root, "link_type", link_name, lengthof(link_name));
	r->plan->method = read_word(r, root, "method", method_name, lengthof(method_name));
	s->block_cap = read_count(r, root, "block_cap", 2, 100000, s->block_cap);
	s->random_pairs = read_count(r, root, "random_pairs", 100, 1e9, s->random_pairs);
	s->em_rounds = read_count(r, root, "max_iterations", 1, 10000, s->em_rounds);
	s->seed = read_count(r, root, "seed", 0, 9007199254740991.0, s->seed);
	read_number(r, root, "keep_match_weight", -100, 100, &s->keep_weight);
	read_number(r, root, "threshold_match_weight", -100, 100, &r->plan->threshold);
	read_id(r, root);
	read_comparisons(r, root);
	if (r->faults == NIL)
		read_rules(r, root);
	if (second != NULL && (r->plan->second_source = text_of(second)) == NULL)
		fault(r, "second_source: the name of a table or view");
	if ((s->link == CRM_MATCH_DEDUPE_ONLY) != (second == NULL))
		fault(r, "second_source: needed by link_only and link_and_dedupe, and by these alone");
	if (s->link != CRM_MATCH_DEDUPE_ONLY && r->plan->id_count == 0)
		fault(r, "unique_id_column_name: needed where two sources are linked");
}

CrmMatchPlan *
crm_match_plan_read(Jsonb *settings, List **faults)
{
	Reading		r = {.plan = palloc0(sizeof(CrmMatchPlan))};
	CrmMatchFault engine;

	crm_match_settings_init(&r.plan->settings);
	r.plan->threshold = NAN;
	if (!JB_ROOT_IS_OBJECT(settings))
		fault(&r, "settings: an object");
	else
		read_root(&r, &settings->root);
	if (r.faults == NIL && crm_match_settings_check(&r.plan->settings, &engine) != CRM_MATCH_OK)
		fault(&r, "settings: %s%s%s", crm_match_reason(engine.code), engine.detail[0] != '\0' ? ": " : "", engine.detail);
	*faults = r.faults;
	return r.plan;
}

static char *
join_lines(List *lines)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, lines)
		appendStringInfo(&text, "%s%s", text.len == 0 ? "" : "\n", (char *) lfirst(cell));
	return text.data;
}

CrmMatchPlan *
crm_match_plan_require(Jsonb *settings)
{
	List	   *faults;
	CrmMatchPlan *plan = crm_match_plan_read(settings, &faults);

	if (faults != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("settings of the matching model are not valid"),
				 errdetail("%s", join_lines(faults)),
				 errhint("crm.match_settings_suggest(source) writes settings that are; \\df+ crm.match_settings_check describes them.")));
	return plan;
}

bool
crm_match_method_find(const char *name, CrmMatchMethod *method)
{
	for (int i = 0; i < (int) lengthof(method_name); i++)
		if (strcmp(name, method_name[i]) == 0)
		{
			*method = (CrmMatchMethod) i;
			return true;
		}
	return false;
}

const char *
crm_match_rule_text(const CrmMatchPlan *plan, int rule)
{
	const CrmMatchRule *r = &plan->settings.rule[rule];
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < r->count; i++)
		appendStringInfo(&text, "%s%s:%s", i == 0 ? "" : " & ", plan->comparison[r->part[i].comparison],
						 plan->settings.comparison[r->part[i].comparison].kind->family[r->part[i].family]);
	return text.data;
}

/* -- a plan as jsonb ---------------------------------------------------------------- */

static void
put_text(JsonbParseState **state, const char *text, JsonbIteratorToken token)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = pstrdup(text);
	value.val.string.len = strlen(text);
	pushJsonbValue(state, token, &value);
}

static void
put_key(JsonbParseState **state, const char *name)
{
	put_text(state, name, WJB_KEY);
}

static void
put_number(JsonbParseState **state, double number, JsonbIteratorToken token)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric, Float8GetDatum(number)));
	pushJsonbValue(state, token, &value);
}

static void
put_bool(JsonbParseState **state, bool boolean)
{
	JsonbValue	value;

	value.type = jbvBool;
	value.val.boolean = boolean;
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
write_comparison(JsonbParseState **state, const CrmMatchPlan *plan, int number, const char *const *why)
{
	const CrmMatchComparison *comparison = &plan->settings.comparison[number];

	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	put_key(state, "name");
	put_text(state, plan->comparison[number], WJB_VALUE);
	put_key(state, "kind");
	put_text(state, comparison->kind->name, WJB_VALUE);
	put_key(state, "columns");
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < comparison->column_count; i++)
		put_text(state, plan->column[comparison->column[i]], WJB_ELEM);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
	if (comparison->arg.count > 0)
	{
		put_key(state, "thresholds");
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (int i = 0; i < comparison->arg.count; i++)
			put_number(state, comparison->arg.threshold[i], WJB_ELEM);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
	put_key(state, "term_frequency");
	put_bool(state, comparison->term_frequency);
	if (why != NULL && why[comparison->column[0]] != NULL)
	{
		put_key(state, "note");
		put_text(state, why[comparison->column[0]], WJB_VALUE);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static void
write_rule(JsonbParseState **state, const CrmMatchPlan *plan, const CrmMatchRule *rule)
{
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < rule->count; i++)
		put_text(state, psprintf("%s:%s", plan->comparison[rule->part[i].comparison],
								 plan->settings.comparison[rule->part[i].comparison].kind->family[rule->part[i].family]),
				 WJB_ELEM);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
write_id(JsonbParseState **state, const CrmMatchPlan *plan)
{
	if (plan->id_count == 0)
		return;
	put_key(state, "unique_id_column_name");
	if (plan->id_count == 1)
	{
		put_text(state, plan->id[0], WJB_VALUE);
		return;
	}
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < plan->id_count; i++)
		put_text(state, plan->id[i], WJB_ELEM);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
write_numbers(JsonbParseState **state, const CrmMatchPlan *plan)
{
	const CrmMatchSettings *s = &plan->settings;
	CrmMatchSettings usual;

	crm_match_settings_init(&usual);
	put_key(state, "seed");
	put_number(state, (double) s->seed, WJB_VALUE);
	if (s->block_cap != usual.block_cap)
	{
		put_key(state, "block_cap");
		put_number(state, s->block_cap, WJB_VALUE);
	}
	if (s->keep_weight != usual.keep_weight)
	{
		put_key(state, "keep_match_weight");
		put_number(state, s->keep_weight, WJB_VALUE);
	}
	if (!isnan(plan->threshold))
	{
		put_key(state, "threshold_match_weight");
		put_number(state, plan->threshold, WJB_VALUE);
	}
}

/* why says of each column what it was taken for; may be NULL. */
Jsonb *
crm_match_plan_write(const CrmMatchPlan *plan, const char *const *why)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	put_key(&state, "link_type");
	put_text(&state, link_name[plan->settings.link], WJB_VALUE);
	if (plan->second_source != NULL)
	{
		put_key(&state, "second_source");
		put_text(&state, plan->second_source, WJB_VALUE);
	}
	write_id(&state, plan);
	put_key(&state, "comparisons");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < plan->settings.comparison_count; i++)
		write_comparison(&state, plan, i, why);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	put_key(&state, "blocking_rules_to_generate_predictions");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < plan->settings.rule_count; i++)
		write_rule(&state, plan, &plan->settings.rule[i]);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	write_numbers(&state, plan);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
