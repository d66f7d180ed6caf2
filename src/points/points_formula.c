/*
 * points_formula.c: a rule's formula carried out on the facts of an element.
 *
 * What cannot be reckoned, because a fact is missing or of another kind or a
 * divisor is 0, is null: one odd bill must not stop a million others.
 */
#include "crm.h"

#include "points_formula_core.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

typedef struct Value
{
	int			kind;			/* 0: null */
	bool		truth;
	Datum		number;
	const char *text;
	int			length;
} Value;

static const Value none = {0};

static Value
truth(bool is)
{
	Value		v = {.kind = CRM_FORMULA_IS_TRUTH, .truth = is};

	return v;
}

static Value
number(Datum n)
{
	Value		v = {.kind = CRM_FORMULA_IS_NUMBER, .number = n};

	return v;
}

static void
parse(const text *input, int wanted, CrmFormula *formula)
{
	size_t		at;
	CrmFormulaFault fault = crm_formula_parse(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), wanted, formula, &at);

	if (fault != CRM_FORMULA_OK)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("invalid formula of a point rule"),
				 errdetail("At letter %d: %s.", pg_mbstrlen_with_len(VARDATA_ANY(input), (int) at) + 1, crm_formula_reason(fault)),
				 errhint("For example: amount * 0.1, or: category not in ('gift', 'deposit') and amount >= 10.")));
}

/* -- values ------------------------------------------------------------------------ */

static Value
literal(const char *text, const CrmFormulaStep *step)
{
	char	   *digits = pnstrdup(text + step->at, step->length);

	return number(DirectFunctionCall3(numeric_in, CStringGetDatum(digits), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static Value
fact(Jsonb *facts, const char *name, int length)
{
	JsonbValue	found;
	Value		v = none;

	if (getKeyJsonValueFromContainer(&facts->root, name, length, &found) == NULL)
		return v;
	if (found.type == jbvNumeric && !numeric_is_nan(found.val.numeric) && !numeric_is_inf(found.val.numeric))
		return number(NumericGetDatum(found.val.numeric));
	if (found.type == jbvBool)
		return truth(found.val.boolean);
	if (found.type == jbvString)
	{
		v.kind = CRM_FORMULA_IS_TEXT;
		v.text = found.val.string.val;
		v.length = found.val.string.len;
	}
	return v;
}

/* By bytes, so that it does not depend on the database's locale. */
static int
compare(const Value *a, const Value *b)
{
	int			order;

	if (a->kind == CRM_FORMULA_IS_NUMBER)
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a->number, b->number));
	if (a->kind == CRM_FORMULA_IS_TRUTH)
		return a->truth - b->truth;
	order = memcmp(a->text, b->text, Min(a->length, b->length));
	return order != 0 ? order : a->length - b->length;
}

static Value
compared(CrmFormulaOp op, const Value *a, const Value *b)
{
	int			order;

	if (a->kind == 0 || a->kind != b->kind)
		return none;
	order = compare(a, b);
	switch (op)
	{
		case CRM_FORMULA_EQ:
			return truth(order == 0);
		case CRM_FORMULA_NE:
			return truth(order != 0);
		case CRM_FORMULA_LT:
			return truth(order < 0);
		case CRM_FORMULA_LE:
			return truth(order <= 0);
		case CRM_FORMULA_GT:
			return truth(order > 0);
		default:
			return truth(order >= 0);
	}
}

static bool
is_zero(Datum n)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, n, DirectFunctionCall1(int4_numeric, Int32GetDatum(0)))) == 0;
}

static Value
arithmetic(CrmFormulaOp op, const Value *a, const Value *b)
{
	if (a->kind != CRM_FORMULA_IS_NUMBER || b->kind != CRM_FORMULA_IS_NUMBER)
		return none;
	switch (op)
	{
		case CRM_FORMULA_ADD:
			return number(DirectFunctionCall2(numeric_add, a->number, b->number));
		case CRM_FORMULA_SUBTRACT:
			return number(DirectFunctionCall2(numeric_sub, a->number, b->number));
		case CRM_FORMULA_MULTIPLY:
			return number(DirectFunctionCall2(numeric_mul, a->number, b->number));
		default:
			return is_zero(b->number) ? none : number(DirectFunctionCall2(numeric_div, a->number, b->number));
	}
}

static Value
rounded(CrmFormulaOp op, const Value *a)
{
	if (a->kind != CRM_FORMULA_IS_NUMBER)
		return none;
	switch (op)
	{
		case CRM_FORMULA_FLOOR:
			return number(DirectFunctionCall1(numeric_floor, a->number));
		case CRM_FORMULA_CEIL:
			return number(DirectFunctionCall1(numeric_ceil, a->number));
		case CRM_FORMULA_ROUND:
			return number(DirectFunctionCall2(numeric_round, a->number, Int32GetDatum(0)));
		default:
			return number(DirectFunctionCall1(numeric_uminus, a->number));
	}
}

/* The one that is not null decides where it can. */
static Value
joined(bool is_and, const Value *a, const Value *b)
{
	bool		a_known = a->kind == CRM_FORMULA_IS_TRUTH;
	bool		b_known = b->kind == CRM_FORMULA_IS_TRUTH;

	if ((a_known && a->truth != is_and) || (b_known && b->truth != is_and))
		return truth(!is_and);
	return a_known && b_known ? truth(is_and) : none;
}

static Value
listed(const Value *v, int count)
{
	bool		unknown = false;

	for (int i = 1; i < count; i++)
	{
		Value		is = compared(CRM_FORMULA_EQ, &v[0], &v[i]);

		if (is.kind != 0 && is.truth)
			return is;
		unknown |= is.kind == 0;
	}
	return unknown ? none : truth(false);
}

static Value
extreme(CrmFormulaOp op, const Value *v, int count)
{
	Value		best = v[0];

	for (int i = 0; i < count; i++)
	{
		if (v[i].kind != CRM_FORMULA_IS_NUMBER)
			return none;
		if (op == CRM_FORMULA_LEAST ? compare(&v[i], &best) < 0 : compare(&v[i], &best) > 0)
			best = v[i];
	}
	return best;
}

/* -- steps --------------------------------------------------------------------------- */

static Value
carry_out(const CrmFormulaStep *step, const char *text, Jsonb *facts, const Value *v)
{
	Value		shown = {.kind = CRM_FORMULA_IS_TEXT, .text = text + step->at, .length = step->length};

	switch ((CrmFormulaOp) step->op)
	{
		case CRM_FORMULA_NUMBER:
			return literal(text, step);
		case CRM_FORMULA_TEXT:
			return shown;
		case CRM_FORMULA_NAME:
			return fact(facts, text + step->at, step->length);
		case CRM_FORMULA_ADD:
		case CRM_FORMULA_SUBTRACT:
		case CRM_FORMULA_MULTIPLY:
		case CRM_FORMULA_DIVIDE:
			return arithmetic(step->op, &v[0], &v[1]);
		case CRM_FORMULA_EQ:
		case CRM_FORMULA_NE:
		case CRM_FORMULA_LT:
		case CRM_FORMULA_LE:
		case CRM_FORMULA_GT:
		case CRM_FORMULA_GE:
			return compared(step->op, &v[0], &v[1]);
		case CRM_FORMULA_IN:
			return listed(v, step->count);
		case CRM_FORMULA_AND:
		case CRM_FORMULA_OR:
			return joined(step->op == CRM_FORMULA_AND, &v[0], &v[1]);
		case CRM_FORMULA_NOT:
			return v[0].kind == CRM_FORMULA_IS_TRUTH ? truth(!v[0].truth) : none;
		case CRM_FORMULA_IF:
			return v[0].kind == CRM_FORMULA_IS_TRUTH && v[0].truth ? v[1] : v[2];
		case CRM_FORMULA_LEAST:
		case CRM_FORMULA_GREATEST:
			return extreme(step->op, v, step->count);
		case CRM_FORMULA_NEGATE:
		case CRM_FORMULA_FLOOR:
		case CRM_FORMULA_CEIL:
		case CRM_FORMULA_ROUND:
			return rounded(step->op, &v[0]);
	}
	return none;
}

static Value
evaluate(const text *input, Jsonb *facts, int wanted)
{
	CrmFormula	formula;
	Value		stack[CRM_FORMULA_STACK];
	int			height = 0;

	parse(input, wanted, &formula);
	if (!JB_ROOT_IS_OBJECT(facts))
		return none;
	for (int i = 0; i < formula.count; i++)
	{
		const CrmFormulaStep *step = &formula.step[i];

		height -= step->count;
		stack[height] = carry_out(step, VARDATA_ANY(input), facts, &stack[height]);
		height++;
	}
	return stack[0].kind == wanted ? stack[0] : none;
}

PG_FUNCTION_INFO_V1(crm_points_formula);
Datum
crm_points_formula(PG_FUNCTION_ARGS)
{
	Value		v = evaluate(PG_GETARG_TEXT_PP(0), PG_GETARG_JSONB_P(1), CRM_FORMULA_IS_NUMBER);

	if (v.kind == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(v.number);
}

PG_FUNCTION_INFO_V1(crm_points_condition);
Datum
crm_points_condition(PG_FUNCTION_ARGS)
{
	Value		v = evaluate(PG_GETARG_TEXT_PP(0), PG_GETARG_JSONB_P(1), CRM_FORMULA_IS_TRUTH);

	PG_RETURN_BOOL(v.kind != 0 && v.truth);
}
