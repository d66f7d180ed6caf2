/*
 * points_formula_core.c: a rule's formula from text to steps.
 *
 * Recursive descent, loosest first: or, and, not, comparison, sum, product,
 * sign, value.  Each part says of which kind it is, so that nonsense such as
 * 'a' + 1 is refused when the rule is written and not when bills come in.
 */
#include "points_formula_core.h"

#include <string.h>

#define IS_NUMBER	CRM_FORMULA_IS_NUMBER
#define IS_TEXT		CRM_FORMULA_IS_TEXT
#define IS_TRUTH	CRM_FORMULA_IS_TRUTH
#define IS_ANY		CRM_FORMULA_IS_ANY
#define DEPTH		40

typedef struct Reader
{
	const char *text;
	size_t		length;
	size_t		at;
	int			depth;
	int			waiting;		/* values on the stack at this step */
	CrmFormula *formula;
	CrmFormulaFault fault;
} Reader;

static int	read_or(Reader *r);

const char *
crm_formula_reason(CrmFormulaFault fault)
{
	switch (fault)
	{
		case CRM_FORMULA_OK:
			return "no fault";
		case CRM_FORMULA_VALUE_MISSING:
			return "a number, a text in quotes, a name or a parenthesis was expected";
		case CRM_FORMULA_CLOSE_MISSING:
			return "a closing parenthesis was expected";
		case CRM_FORMULA_QUOTE_MISSING:
			return "a text has no closing quote";
		case CRM_FORMULA_TRAILING:
			return "nothing was expected here any more";
		case CRM_FORMULA_FUNCTION:
			return "there is no such function; there are if, least, greatest, floor, ceil and round";
		case CRM_FORMULA_ARGUMENTS:
			return "this function takes another number of arguments";
		case CRM_FORMULA_KIND:
			return "a number, a text or a condition stands where another of them is needed";
		case CRM_FORMULA_TOO_LONG:
			return "it is too long";
		case CRM_FORMULA_TOO_DEEP:
			return "it is nested too deeply";
	}
	return "unknown";
}

/* -- letters -------------------------------------------------------------------- */

static int
fail(Reader *r, CrmFormulaFault fault)
{
	if (r->fault == CRM_FORMULA_OK)
		r->fault = fault;
	return IS_ANY;
}

static void
skip_space(Reader *r)
{
	while (r->at < r->length && strchr(" \t\r\n", r->text[r->at]) != NULL && r->text[r->at] != '\0')
		r->at++;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Length of the name that stands here, or 0. */
static size_t
name_length(const Reader *r)
{
	size_t		n = 0;

	if (r->at < r->length && is_letter(r->text[r->at]))
		while (r->at + n < r->length && (is_letter(r->text[r->at + n]) || is_digit(r->text[r->at + n])))
			n++;
	return n;
}

/* Take a sign, or a word that does not go on. */
static bool
take(Reader *r, const char *token)
{
	size_t		n = strlen(token);

	skip_space(r);
	if (is_letter(token[0]) ? name_length(r) != n : r->length - r->at < n)
		return false;
	if (memcmp(r->text + r->at, token, n) != 0)
		return false;
	r->at += n;
	return true;
}

/* -- steps ------------------------------------------------------------------------ */

/* A step that takes some values and leaves one. */
static void
emit(Reader *r, CrmFormulaOp op, int takes, size_t at, size_t length)
{
	CrmFormulaStep *step = &r->formula->step[r->formula->count];

	r->waiting += 1 - takes;
	if (r->formula->count == CRM_FORMULA_STEPS || r->waiting > CRM_FORMULA_STACK)
		fail(r, CRM_FORMULA_TOO_LONG);
	if (r->fault != CRM_FORMULA_OK)
		return;
	r->formula->count++;
	step->op = (uint8_t) op;
	step->count = (uint8_t) takes;
	step->at = (uint16_t) at;
	step->length = (uint16_t) length;
}

static void
need(Reader *r, int kind, int wanted)
{
	if ((kind & wanted) == 0)
		fail(r, CRM_FORMULA_KIND);
}

/* -- parts, tightest first ---------------------------------------------------------- */

static int
read_number(Reader *r)
{
	size_t		start = r->at;

	while (r->at < r->length && is_digit(r->text[r->at]))
		r->at++;
	if (r->at + 1 < r->length && r->text[r->at] == '.' && is_digit(r->text[r->at + 1]))
		for (r->at++; r->at < r->length && is_digit(r->text[r->at]); r->at++)
			;
	emit(r, CRM_FORMULA_NUMBER, 0, start, r->at - start);
	return IS_NUMBER;
}

static int
read_text(Reader *r)
{
	size_t		start = ++r->at;

	while (r->at < r->length && r->text[r->at] != '\'')
		r->at++;
	if (r->at == r->length)
		return fail(r, CRM_FORMULA_QUOTE_MISSING);
	emit(r, CRM_FORMULA_TEXT, 0, start, r->at - start);
	r->at++;
	return IS_TEXT;
}

static int
read_call(Reader *r, CrmFormulaOp op, int least, int most)
{
	int			given = IS_ANY;
	int			count = 0;

	do
	{
		int			kind = read_or(r);

		if (op == CRM_FORMULA_IF && count > 0)
			given &= kind;
		else
			need(r, kind, op == CRM_FORMULA_IF ? IS_TRUTH : IS_NUMBER);
		count++;
	} while (r->fault == CRM_FORMULA_OK && count <= most && take(r, ","));
	if (!take(r, ")"))
		return fail(r, CRM_FORMULA_CLOSE_MISSING);
	if (count < least || count > most)
		return fail(r, CRM_FORMULA_ARGUMENTS);
	need(r, given, IS_ANY);
	emit(r, op, count, 0, 0);
	return op == CRM_FORMULA_IF ? given : IS_NUMBER;
}

static int
read_name(Reader *r)
{
	static const struct
	{
		const char *name;
		CrmFormulaOp op;
		int			least;
		int			most;
	}			functions[] = {
		{"if", CRM_FORMULA_IF, 3, 3}, {"least", CRM_FORMULA_LEAST, 1, 20}, {"greatest", CRM_FORMULA_GREATEST, 1, 20},
		{"floor", CRM_FORMULA_FLOOR, 1, 1}, {"ceil", CRM_FORMULA_CEIL, 1, 1}, {"round", CRM_FORMULA_ROUND, 1, 1}
	};
	static const char *const reserved[] = {"and", "or", "not", "in"};
	size_t		start = r->at;
	size_t		n = name_length(r);

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strlen(reserved[i]) == n && memcmp(r->text + start, reserved[i], n) == 0)
			return fail(r, CRM_FORMULA_VALUE_MISSING);
	r->at += n;
	if (!take(r, "("))
	{
		emit(r, CRM_FORMULA_NAME, 0, start, n);
		return IS_ANY;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strlen(functions[i].name) == n && memcmp(r->text + start, functions[i].name, n) == 0)
			return read_call(r, functions[i].op, functions[i].least, functions[i].most);
	r->at = start;
	return fail(r, CRM_FORMULA_FUNCTION);
}

static int
read_value(Reader *r)
{
	int			kind;

	skip_space(r);
	if (r->at == r->length)
		return fail(r, CRM_FORMULA_VALUE_MISSING);
	if (is_digit(r->text[r->at]))
		return read_number(r);
	if (r->text[r->at] == '\'')
		return read_text(r);
	if (is_letter(r->text[r->at]))
		return read_name(r);
	if (!take(r, "("))
		return fail(r, CRM_FORMULA_VALUE_MISSING);
	kind = read_or(r);
	if (!take(r, ")"))
		return fail(r, CRM_FORMULA_CLOSE_MISSING);
	return kind;
}

static int
read_sign(Reader *r)
{
	int			kind;
	bool		turned = false;

	while (take(r, "-"))
		turned = !turned;
	kind = read_value(r);
	if (!turned)
		return kind;
	need(r, kind, IS_NUMBER);
	emit(r, CRM_FORMULA_NEGATE, 1, 0, 0);
	return IS_NUMBER;
}

static int
read_product(Reader *r)
{
	int			kind = read_sign(r);
	bool		times;

	while (r->fault == CRM_FORMULA_OK && ((times = take(r, "*")) || take(r, "/")))
	{
		need(r, kind, IS_NUMBER);
		need(r, read_sign(r), IS_NUMBER);
		emit(r, times ? CRM_FORMULA_MULTIPLY : CRM_FORMULA_DIVIDE, 2, 0, 0);
		kind = IS_NUMBER;
	}
	return kind;
}

static int
read_sum(Reader *r)
{
	int			kind = read_product(r);
	bool		plus;

	while (r->fault == CRM_FORMULA_OK && ((plus = take(r, "+")) || take(r, "-")))
	{
		need(r, kind, IS_NUMBER);
		need(r, read_product(r), IS_NUMBER);
		emit(r, plus ? CRM_FORMULA_ADD : CRM_FORMULA_SUBTRACT, 2, 0, 0);
		kind = IS_NUMBER;
	}
	return kind;
}

static int
read_list(Reader *r, int kind, bool turned)
{
	int			count = 0;

	if (!take(r, "("))
		return fail(r, CRM_FORMULA_VALUE_MISSING);
	do
	{
		need(r, read_sum(r) & kind, IS_NUMBER | IS_TEXT);
		count++;
	} while (r->fault == CRM_FORMULA_OK && take(r, ","));
	if (!take(r, ")"))
		return fail(r, CRM_FORMULA_CLOSE_MISSING);
	emit(r, CRM_FORMULA_IN, count + 1, 0, 0);
	if (turned)
		emit(r, CRM_FORMULA_NOT, 1, 0, 0);
	return IS_TRUTH;
}

static int
read_comparison(Reader *r)
{
	static const struct
	{
		const char *sign;
		CrmFormulaOp op;
	}			signs[] = {{"<>", CRM_FORMULA_NE}, {"<=", CRM_FORMULA_LE}, {">=", CRM_FORMULA_GE},
	{"=", CRM_FORMULA_EQ}, {"<", CRM_FORMULA_LT}, {">", CRM_FORMULA_GT}};
	int			kind = read_sum(r);

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (r->fault == CRM_FORMULA_OK && take(r, signs[i].sign))
		{
			need(r, read_sum(r) & kind, signs[i].op == CRM_FORMULA_EQ || signs[i].op == CRM_FORMULA_NE ? IS_ANY : IS_NUMBER | IS_TEXT);
			emit(r, signs[i].op, 2, 0, 0);
			return IS_TRUTH;
		}
	if (r->fault == CRM_FORMULA_OK && take(r, "in"))
		return read_list(r, kind, false);
	if (r->fault == CRM_FORMULA_OK && take(r, "not"))
		return take(r, "in") ? read_list(r, kind, true) : fail(r, CRM_FORMULA_TRAILING);
	return kind;
}

static int
read_not(Reader *r)
{
	bool		turned = false;
	bool		any = false;
	int			kind;

	for (; take(r, "not"); any = true)
		turned = !turned;
	kind = read_comparison(r);
	if (!any)
		return kind;
	need(r, kind, IS_TRUTH);
	if (turned)
		emit(r, CRM_FORMULA_NOT, 1, 0, 0);
	return IS_TRUTH;
}

static int
read_and(Reader *r)
{
	int			kind = read_not(r);

	while (r->fault == CRM_FORMULA_OK && take(r, "and"))
	{
		need(r, kind, IS_TRUTH);
		need(r, read_not(r), IS_TRUTH);
		emit(r, CRM_FORMULA_AND, 2, 0, 0);
		kind = IS_TRUTH;
	}
	return kind;
}

static int
read_or(Reader *r)
{
	int			kind;

	if (++r->depth > DEPTH)
		return fail(r, CRM_FORMULA_TOO_DEEP);
	kind = read_and(r);
	while (r->fault == CRM_FORMULA_OK && take(r, "or"))
	{
		need(r, kind, IS_TRUTH);
		need(r, read_and(r), IS_TRUTH);
		emit(r, CRM_FORMULA_OR, 2, 0, 0);
		kind = IS_TRUTH;
	}
	r->depth--;
	return kind;
}

CrmFormulaFault
crm_formula_parse(const char *text, size_t length, int wanted, CrmFormula *formula, size_t *at)
{
	Reader		r = {.text = text, .length = length, .formula = formula};

	formula->count = 0;
	*at = 0;
	if (length > CRM_FORMULA_BYTES)
		return CRM_FORMULA_TOO_LONG;
	formula->kind = read_or(&r);
	skip_space(&r);
	if (r.at < r.length)
		fail(&r, CRM_FORMULA_TRAILING);
	need(&r, formula->kind, wanted);
	*at = r.at;
	return r.fault;
}
