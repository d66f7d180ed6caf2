/*
 * Proves: whatever numbers come, fits end, without touching memory that is not theirs and
 * without a NaN in what they call converged; ranks stay between 0 and 1; bins cover all
 * groups in order; effects are finite and do not turn.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "score/score_additive_core.h"
#include "score/score_bgnbd_core.h"
#include "score/score_bin_core.h"
#include "score/score_logit_core.h"
#include "score/score_stat_core.h"

#define ROWS 60
#define COLUMNS 3

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* Bytes as small numbers, and some as very large or very small ones. */
static double
number(const uint8_t *data, size_t size, size_t i)
{
	int			b = size > 0 ? data[i % size] : 0;

	return b < 240 ? b - 120 : ldexp(b - 247.5, (b - 240) * 30);
}

static void
fuzz_logit(const uint8_t *data, size_t size)
{
	CrmLogitTile *tile = malloc(CRM_LOGIT_TILE_BYTES(COLUMNS));
	CrmLogitData all = {COLUMNS, 1, &tile, NULL};
	double		coefficients[COLUMNS + 1];
	double		errors[COLUMNS + 1];
	CrmLogitFit fit = {.coefficients = coefficients, .standard_errors = errors};
	double	   *scratch = malloc(sizeof(double) * crm_logit_scratch(COLUMNS));

	tile->rows = size < ROWS ? (int32_t) size : ROWS;
	for (int i = 0; i < tile->rows; i++)
	{
		tile->y[i] = data[i] & 1;
		for (int j = 0; j < COLUMNS; j++)
			tile->x[j * CRM_LOGIT_ROWS + i] = number(data, size, i * COLUMNS + j + 1);
	}
	if (crm_logit_fit(&all, scratch, &fit) == CRM_LOGIT_OK && fit.converged)
		for (int j = 0; j <= COLUMNS; j++)
			require(isfinite(coefficients[j]) && isfinite(errors[j]));
	free(tile);
	free(scratch);
}

static void
fuzz_ranks(const uint8_t *data, size_t size)
{
	uint64_t	keys[2][ROWS];
	uint64_t	spare[ROWS];
	size_t		n[2] = {0, 0};

	for (size_t i = 0; i < size && i < ROWS; i++)
		keys[data[i] & 1][n[data[i] & 1]++] = crm_score_key(number(data, size, i));
	for (int side = 0; side < 2; side++)
		crm_score_sort(keys[side], spare, n[side]);
	if (n[0] > 0 && n[1] > 0)
	{
		double		auc = crm_score_auc(keys[1], n[1], keys[0], n[0]);
		double		ks = crm_score_ks(keys[1], n[1], keys[0], n[0]);

		require(auc >= 0 && auc <= 1 && ks >= 0 && ks <= 1);
	}
}

static void
fuzz_value(const uint8_t *data, size_t size)
{
	CrmHistory	history[ROWS];
	CrmHistories all = {history, 0, 1, NULL};
	CrmMaximum	maximum;

	for (size_t i = 0; i + 2 < size && all.count < ROWS; i += 3)
	{
		CrmHistory	h = {data[i] % 7, 0, 1 + data[i + 1], 1 + data[i + 2] % 3};

		h.t_x = h.x > 0 ? h.t * (data[i + 2] / 255.0) : 0;
		history[all.count++] = h;
	}
	if (all.count == 0)
		return;
	qsort(history, all.count, sizeof(CrmHistory), crm_history_order);
	if (crm_bgnbd_fit(&all, &maximum))
	{
		CrmBgnbd	m = {exp(maximum.theta[0]), exp(maximum.theta[1]), exp(maximum.theta[2]), exp(maximum.theta[3])};
		double		alive = crm_bgnbd_p_alive(m, history[0].x, history[0].t_x, history[0].t);

		require(alive >= 0 && alive <= 1);
		require(isfinite(crm_bgnbd_expected(m, history[0].x, history[0].t_x, history[0].t, 30)));
	}
	for (size_t i = 0; i < all.count; i++)
	{
		history[i].x++;
		history[i].t_x += 1;
	}
	if (crm_gamma_gamma_fit(&all, &maximum))
		require(isfinite(maximum.theta[0]) && isfinite(maximum.value));
}

static void
fuzz_bins(const uint8_t *data, size_t size)
{
	CrmBinGroup group[CRM_BIN_GROUPS];
	CrmBinTask	task = {.group = group, .bins = 1 + data[0] % CRM_BIN_MOST, .least = data[0] / 8, .trend = (CrmBinTrend) (data[0] % 6)};
	double	   *scratch = malloc(sizeof(double) * crm_bin_scratch());
	int			last[CRM_BIN_MOST];
	int			bins;

	for (size_t i = 0; i < size && task.groups < 24; i++)
	{
		group[task.groups] = (CrmBinGroup) {data[i] & 15, data[i] >> 4};
		task.all_events += group[task.groups].events;
		task.all_others += group[task.groups++].others;
	}
	bins = crm_bin_optimal(&task, scratch, last);
	require(bins >= 1 && bins <= task.bins && last[bins - 1] == task.groups - 1);
	for (int b = 1; b < bins; b++)
		require(last[b] > last[b - 1]);
	free(scratch);
}

static void
fuzz_points(const uint8_t *data, size_t size)
{
	CrmAdditivePart part[2] = {{.levels = 8, .ordered = 7}, {.levels = 5}};
	uint8_t		level[ROWS * 2];
	uint8_t		y[ROWS];
	CrmAdditive model = {2, part, size < ROWS ? size : ROWS, level, y, 0, NULL};
	size_t		events = 0;
	double	   *scratch;

	for (size_t i = 0; i < model.rows; i++)
	{
		events += y[i] = data[i] & 1;
		level[2 * i] = data[(i * 7 + 1) % size] % 8;
		level[2 * i + 1] = data[(i * 3 + 2) % size] % 5;
	}
	if (events == 0 || events == model.rows)
		return;
	scratch = malloc(sizeof(double) * crm_additive_scratch(&model));
	if (crm_additive_fit(&model, scratch))
		for (int j = 0; j < 2; j++)
			for (int l = 0; l < part[j].levels; l++)
			{
				require(isfinite(part[j].effect[l]));
				require(l == 0 || l >= part[j].ordered || (part[j].effect[l] - part[j].effect[l - 1]) * part[j].direction >= 0);
			}
	free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 5)
	{
		case 0:
			fuzz_logit(data + 1, size - 1);
			break;
		case 1:
			fuzz_ranks(data, size);
			break;
		case 2:
			fuzz_value(data, size);
			break;
		case 3:
			fuzz_bins(data, size);
			break;
		case 4:
			fuzz_points(data, size);
			break;
	}
	return 0;
}
