/*
 * match_model_core.c: a model as bytes, and a new record's cluster.
 */
#include "match_inside_core.h"

#include <math.h>
#include <stdlib.h>

/* -- bytes -------------------------------------------------------------------- */

#define MODEL_VERSION 2

/* Least significant byte first, whatever the machine. */
typedef struct Tape
{
	unsigned char *out;			/* writing, or NULL */
	const unsigned char *in;	/* reading, or NULL */
	size_t		at;
} Tape;

static void
tape_number(Tape *tape, uint64_t *value)
{
	uint64_t	read = 0;

	for (int i = 0; i < 8; i++)
	{
		if (tape->out != NULL)
			tape->out[tape->at + (size_t) i] = (unsigned char) (*value >> (8 * i));
		if (tape->in != NULL)
			read |= (uint64_t) tape->in[tape->at + (size_t) i] << (8 * i);
	}
	if (tape->in != NULL)
		*value = read;
	tape->at += 8;
}

static void
tape_real(Tape *tape, double *value)
{
	uint64_t	bits;

	memcpy(&bits, value, sizeof(bits));
	tape_number(tape, &bits);
	memcpy(value, &bits, sizeof(bits));
}

static void
tape_int(Tape *tape, int *value)
{
	uint64_t	wide = (uint64_t) (int64_t) *value;

	tape_number(tape, &wide);
	*value = (int) (int64_t) wide;
}

static void
tape_reals(Tape *tape, double *value, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tape_real(tape, &value[i]);
}

/* One walk over the model for writing, reading and measuring. */
static void
tape_model(Tape *tape, CrmMatchModel *model)
{
	uint64_t	version = MODEL_VERSION;
	int			trained = model->trained;
	const size_t levels = CRM_MATCH_COMPARISON_MAX * CRM_MATCH_LEVEL_MAX;

	tape_number(tape, &version);
	tape_int(tape, &trained);
	model->trained = trained != 0;
	tape_int(tape, &model->comparison_count);
	tape_int(tape, &model->match_classes);
	tape_int(tape, &model->classes);
	tape_number(tape, &model->records);
	tape_real(tape, &model->prior);
	tape_real(tape, &model->threshold);
	tape_real(tape, &model->review);
	tape_real(tape, &model->absent);
	for (int i = 0; i < CRM_MATCH_RULE_MAX; i++)
	{
		uint64_t	cap = model->rule_cap[i];

		tape_number(tape, &cap);
		model->rule_cap[i] = (uint32_t) cap;
	}
	tape_reals(tape, &model->m[0][0], levels);
	tape_reals(tape, &model->u[0][0], levels);
	tape_reals(tape, &model->weight[0][0], levels);
	tape_reals(tape, &model->term_share[0][0], levels);
	tape_reals(tape, model->share, CRM_MATCH_CLASS_MAX);
	tape_reals(tape, &model->chance[0][0][0], CRM_MATCH_CLASS_MAX * levels);
}

size_t
crm_match_model_size(void)
{
	static const size_t levels = CRM_MATCH_COMPARISON_MAX * CRM_MATCH_LEVEL_MAX;

	return 8 * (10 + CRM_MATCH_RULE_MAX + 4 * levels + CRM_MATCH_CLASS_MAX * (1 + levels));
}

size_t
crm_match_model_pack(const CrmMatchModel *model, unsigned char *out, size_t room)
{
	CrmMatchModel copy = *model;
	Tape		tape = {out, NULL, 0};

	if (room < crm_match_model_size())
		return 0;
	tape_model(&tape, &copy);
	return tape.at;
}

static bool
all_chances(const double *value, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!(value[i] >= 0 && value[i] <= 1))
			return false;
	return true;
}

static bool
all_finite(const double *value, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(value[i]))
			return false;
	return true;
}

/* What no training gives is refused, so that a damaged row cannot crash a scorer. */
static bool
is_sound(const CrmMatchModel *model)
{
	const size_t levels = CRM_MATCH_COMPARISON_MAX * CRM_MATCH_LEVEL_MAX;

	return model->comparison_count >= 0 && model->comparison_count <= CRM_MATCH_COMPARISON_MAX &&
		(!model->trained || (model->classes >= 2 && model->match_classes >= 1)) &&
		model->classes >= 0 && model->classes <= CRM_MATCH_CLASS_MAX &&
		model->match_classes >= 0 && (model->match_classes < model->classes || model->classes == 0) &&
		isfinite(model->threshold) && isfinite(model->review) && isfinite(model->absent) &&
		all_chances(&model->prior, 1) && all_chances(&model->m[0][0], levels) && all_chances(&model->u[0][0], levels) &&
		all_chances(&model->term_share[0][0], levels) && all_finite(&model->weight[0][0], levels) &&
		all_chances(model->share, CRM_MATCH_CLASS_MAX) && all_chances(&model->chance[0][0][0], CRM_MATCH_CLASS_MAX * levels);
}

CrmMatchCode
crm_match_model_unpack(const unsigned char *bytes, size_t length, CrmMatchModel *model)
{
	Tape		tape = {NULL, bytes, 0};
	uint64_t	version = 0;
	Tape		head = {NULL, bytes, 0};

	memset(model, 0, sizeof(*model));
	if (length != crm_match_model_size())
		return CRM_MATCH_FORM;
	tape_number(&head, &version);
	if (version != MODEL_VERSION)
		return CRM_MATCH_FORM;
	tape_model(&tape, model);
	if (is_sound(model))
		return CRM_MATCH_OK;
	memset(model, 0, sizeof(*model));
	return CRM_MATCH_FORM;
}

CrmMatchCode
crm_match_set_model(CrmMatchEngine *engine, const CrmMatchModel *model, CrmMatchFault *fault)
{
	if (!is_sound(model) || model->comparison_count != engine->settings.comparison_count)
		return crm_match_fail(fault, CRM_MATCH_FORM, "the model does not fit the settings");
	engine->model = *model;
	return CRM_MATCH_OK;
}

/* -- one record's cluster ------------------------------------------------------ */

static int
by_cluster(const void *a, const void *b)
{
	const CrmMatchEdge *x = a;
	const CrmMatchEdge *y = b;

	return x->cluster < y->cluster ? -1 : x->cluster > y->cluster;
}

uint64_t
crm_match_join(const CrmMatchModel *model, CrmMatchEdge *edge, size_t edges,
			   uint64_t (*size) (void *context, uint64_t cluster), void *context)
{
	uint64_t	best = 0;
	double		most = model->threshold;

	qsort(edge, edges, sizeof(*edge), by_cluster);
	for (size_t from = 0, to; from < edges; from = to)
	{
		double		sum = 0;
		bool		conflict = false;
		double		members;
		double		mean;

		for (to = from; to < edges && edge[to].cluster == edge[from].cluster; to++)
		{
			sum += crm_match_bound(edge[to].weight);
			conflict |= edge[to].conflict;
		}
		members = fmax((double) size(context, edge[from].cluster), (double) (to - from));
		mean = (sum + (members - (double) (to - from)) * model->absent) / members;
		if (!conflict && mean >= most)
		{
			most = mean;
			best = edge[from].cluster;
		}
	}
	return best;
}
