/*
 * Proves: a formula of a point rule becomes the steps that its grammar says, in
 * order and by precedence; nonsense, wrong kinds and what is too long or too
 * deep are refused with their reason and place; no statement of SQL is one.
 */
#include "points/points_formula_core.h"

#include <string.h>

#include "unit.h"

static const char *const op_name[] = {"number", "text", "name", "+", "-", "*", "/", "neg", "=", "<>", "<", "<=", ">", ">=",
"in", "and", "or", "not", "if", "least", "greatest", "floor", "ceil", "round"};

static CrmFormula formula;
static size_t at;

static CrmFormulaFault
parsed(const char *text, int wanted)
{
	return crm_formula_parse(text, strlen(text), wanted, &formula, &at);
}

/* The steps as words: operands as they stand, operations by name and count. */
static bool
becomes(const char *text, const char *steps)
{
	char		got[2000] = "";

	if (parsed(text, CRM_FORMULA_IS_ANY) != CRM_FORMULA_OK)
		return false;
	for (int i = 0; i < formula.count; i++)
	{
		const CrmFormulaStep *s = &formula.step[i];
		size_t		used = strlen(got);

		if (s->op <= CRM_FORMULA_NAME)
			snprintf(got + used, sizeof(got) - used, "%s%.*s", i ? " " : "", (int) s->length, text + s->at);
		else
			snprintf(got + used, sizeof(got) - used, " %s%d", op_name[s->op], s->count);
	}
	if (strcmp(got, steps) == 0)
		return true;
	fprintf(stderr, "# %s: %s, expected %s\n", text, got, steps);
	return false;
}

static void
test_steps(void)
{
	CHECK_AS(becomes("amount", "amount"), "a name alone");
	CHECK_AS(becomes("1 + 2 * 3", "1 2 3 *2 +2"), "products bind closer than sums");
	CHECK_AS(becomes("(1 + 2) * 3", "1 2 +2 3 *2"), "unless parentheses say otherwise");
	CHECK_AS(becomes("1 - 2 - 3", "1 2 -2 3 -2"), "from the left");
	CHECK_AS(becomes("8 / 4 / 2", "8 4 /2 2 /2"), "from the left, too");
	CHECK_AS(becomes("--5 - -a", "5 a neg1 -2"), "signs cancel");
	CHECK_AS(becomes("a > 1 and b <= 2 or not c = 'x'", "a 1 >2 b 2 <=2 and2 c x =2 not1 or2"), "or, and, not, comparison");
	CHECK_AS(becomes("k in ('a', 'b')", "k a b in3"), "a list");
	CHECK_AS(becomes("k not in (1)", "k 1 in2 not1"), "not in");
	CHECK_AS(becomes("if(t > 48, 0.4, least(a, 2, c))", "t 48 >2 0.4 a 2 c least3 if3"), "functions");
	CHECK_AS(becomes("floor(a) + ceil(b) + round(c)", "a floor1 b ceil1 +2 c round1 +2"), "roundings");
	CHECK_AS(becomes("andy + notes", "andy notes +2"), "a word that goes on is a name");
	CHECK_AS(becomes("category = '话费'", "category 话费 =2"), "texts of any letters");
	CHECK_AS(becomes("k = ''", "k  =2"), "an empty text");
}

static CrmFormulaFault
refused(const char *text)
{
	return parsed(text, CRM_FORMULA_IS_ANY);
}

static void
test_refusals(void)
{
	static const char *const sql[] = {"1; DROP TABLE x", "amount::int", "(SELECT 1)", "pg_sleep(9)", "current_user || 'a'", "$1",
	"amount /* */ ", "\"amount\"", "x.y", "E'\\''", "'a'';'", "count(*)"};
	char		deep[400];
	char		list[1200] = "a in (1";

	CHECK_AS(refused("") == CRM_FORMULA_VALUE_MISSING, "nothing");
	CHECK_AS(refused("1 +") == CRM_FORMULA_VALUE_MISSING, "half a sum");
	CHECK_AS(refused("(1") == CRM_FORMULA_CLOSE_MISSING, "half a parenthesis");
	CHECK_AS(refused("'a") == CRM_FORMULA_QUOTE_MISSING, "half a text");
	CHECK_AS(refused("1 2") == CRM_FORMULA_TRAILING && at == 2, "two values, and where");
	CHECK_AS(refused("a = 1 = 1") == CRM_FORMULA_TRAILING, "comparisons do not chain");
	CHECK_AS(refused("sqrt(2)") == CRM_FORMULA_FUNCTION && at == 0, "unknown functions");
	CHECK_AS(refused("if(a > 1, 2)") == CRM_FORMULA_ARGUMENTS, "too few arguments");
	CHECK_AS(refused("floor(1, 2)") == CRM_FORMULA_ARGUMENTS, "too many");
	CHECK_AS(refused("'a' + 1") == CRM_FORMULA_KIND, "texts are not added");
	CHECK_AS(refused("1 and a") == CRM_FORMULA_KIND, "numbers are not true");
	CHECK_AS(refused("a > 'x' + 1") == CRM_FORMULA_KIND, "not in a comparison either");
	CHECK_AS(refused("1 = 'x'") == CRM_FORMULA_KIND, "different kinds are not compared");
	CHECK_AS(refused("if(a > 1, 1, 'x') + 1") == CRM_FORMULA_KIND, "branches agree");
	CHECK_AS(refused("not 1") == CRM_FORMULA_KIND && refused("-'x'") == CRM_FORMULA_KIND, "signs, too");
	CHECK_AS(refused("1 in (1, 'x')") == CRM_FORMULA_KIND, "lists, too");
	CHECK_AS(parsed("a > 1", CRM_FORMULA_IS_NUMBER) == CRM_FORMULA_KIND, "a condition is no amount");
	CHECK_AS(parsed("a + 1", CRM_FORMULA_IS_TRUTH) == CRM_FORMULA_KIND, "an amount is no condition");
	CHECK_AS(parsed("a", CRM_FORMULA_IS_TRUTH) == CRM_FORMULA_OK, "a name may be either");
	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		CHECK_AS(refused(sql[i]) != CRM_FORMULA_OK, sql[i]);
	memset(deep, '(', sizeof(deep));
	CHECK_AS(crm_formula_parse(deep, sizeof(deep), CRM_FORMULA_IS_ANY, &formula, &at) == CRM_FORMULA_TOO_DEEP, "too deep");
	for (int i = 0; i < 80; i++)
		strcat(list, ",1");
	strcat(list, ")");
	CHECK_AS(refused(list) == CRM_FORMULA_TOO_LONG, "too many values at once");
	CHECK_AS(crm_formula_parse("a\0b", 3, CRM_FORMULA_IS_ANY, &formula, &at) == CRM_FORMULA_TRAILING, "a zero byte is no space");
}

int
main(void)
{
	test_steps();
	test_refusals();
	for (int fault = CRM_FORMULA_OK; fault <= CRM_FORMULA_TOO_DEEP; fault++)
		CHECK_AS(strcmp(crm_formula_reason((CrmFormulaFault) fault), "unknown") != 0, "every fault has its words");
	return unit_done();
}
