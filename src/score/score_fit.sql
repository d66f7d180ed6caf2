-- score_fit: fitting and statistics: aggregates that return a model, and what follows from it.

-- -- logistic regression ----------------------------------------------------------------------

CREATE TYPE crm.logistic_model AS (
    coefficients    float8[],
    standard_errors float8[],
    log_likelihood  float8,
    iterations      integer,
    converged       boolean
);
COMMENT ON TYPE crm.logistic_model IS
$$A logistic regression: ln odds of y = coefficients[1] + coefficients[2] x[1] + … (逻辑回归模型).
Coefficients are for one unit of their column; standard errors from the inverse of the information matrix at the maximum.$$;

CREATE FUNCTION crm.logistic_regression_step(internal, boolean, float8[]) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_step(internal, boolean, float8[]) IS 'Takes a row into crm.logistic_regression (聚合步骤).';
CREATE FUNCTION crm.logistic_regression_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.logistic_regression_serialize(internal) RETURNS bytea
    -- All rows are handed over, which costs more than to read them: below many millions of rows the planner is to do without workers.
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000000;
COMMENT ON FUNCTION crm.logistic_regression_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.logistic_regression_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.logistic_regression_final(internal) RETURNS crm.logistic_model
    AS 'MODULE_PATHNAME', 'crm_logistic_regression_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.logistic_regression_final(internal) IS 'The maximum of the likelihood by Newton''s method (牛顿法).';
CREATE AGGREGATE crm.logistic_regression(y boolean, x float8[]) (
    SFUNC = crm.logistic_regression_step, STYPE = internal, FINALFUNC = crm.logistic_regression_final,
    COMBINEFUNC = crm.logistic_regression_combine, SERIALFUNC = crm.logistic_regression_serialize,
    DESERIALFUNC = crm.logistic_regression_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.logistic_regression(boolean, float8[]) IS
$$Logistic regression by maximum likelihood, coefficients with the intercept first (逻辑回归).
Rows in which y or x is null are passed over; without rows the result is null. A null, NaN or infinity inside x, or arrays of different lengths, are errors (22004, 22023, 2202E). One outcome only, a constant column, a column that others tell, and separation, where no finite estimate exists, are errors 22023 whose DETAIL names the column. Holds the rows in memory: 53400 beyond crm.score_fit_memory; at most 500 columns (54000). Source: McCullagh and Nelder, Generalized Linear Models, chapter 4.$$;

-- -- how well a score separates -----------------------------------------------------------------

CREATE FUNCTION crm.score_keys_step(internal, boolean, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_score_keys_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_step(internal, boolean, float8) IS 'Takes a row into crm.roc_auc or crm.ks_statistic (聚合步骤).';
CREATE FUNCTION crm.score_keys_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_score_keys_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.score_keys_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_score_keys_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.score_keys_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_score_keys_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_keys_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.roc_auc_final(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_roc_auc_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.roc_auc_final(internal) IS 'The area from the ranks (曲线下面积).';
CREATE FUNCTION crm.ks_statistic_final(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_ks_statistic_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.ks_statistic_final(internal) IS 'The largest distance (最大距离).';
CREATE AGGREGATE crm.roc_auc(y boolean, score float8) (
    SFUNC = crm.score_keys_step, STYPE = internal, FINALFUNC = crm.roc_auc_final,
    COMBINEFUNC = crm.score_keys_combine, SERIALFUNC = crm.score_keys_serialize,
    DESERIALFUNC = crm.score_keys_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.roc_auc(boolean, float8) IS
$$Area under the ROC curve: the chance that a row with the event has a higher score than one without, ties counting one half (ROC 曲线下面积).
Exact. Where high scores mean few events, give -score. Rows with a null are passed over; null when there are not both outcomes. Errors: 22023 NaN, 53400 beyond crm.score_fit_memory. Source: Hanley and McNeil (1982).$$;
CREATE AGGREGATE crm.ks_statistic(y boolean, score float8) (
    SFUNC = crm.score_keys_step, STYPE = internal, FINALFUNC = crm.ks_statistic_final,
    COMBINEFUNC = crm.score_keys_combine, SERIALFUNC = crm.score_keys_serialize,
    DESERIALFUNC = crm.score_keys_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.ks_statistic(boolean, float8) IS
$$Kolmogorov-Smirnov statistic: the largest distance between the distributions of the score with and without the event, 0 to 1 (KS 值).
Rows with a null are passed over; null when there are not both outcomes. Errors: 22023 NaN, 53400.$$;

CREATE FUNCTION crm.information_value_step(internal, boolean, text) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_information_value_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_step(internal, boolean, text) IS 'Takes a row into crm.information_value (聚合步骤).';
CREATE FUNCTION crm.information_value_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_information_value_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.information_value_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_information_value_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.information_value_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_information_value_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.information_value_final(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_information_value_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.information_value_final(internal) IS 'The sum over the bins (各分箱之和).';
CREATE AGGREGATE crm.information_value(y boolean, bin text) (
    SFUNC = crm.information_value_step, STYPE = internal, FINALFUNC = crm.information_value_final,
    COMBINEFUNC = crm.information_value_combine, SERIALFUNC = crm.information_value_serialize,
    DESERIALFUNC = crm.information_value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.information_value(boolean, text) IS
$$Information value of a binned characteristic: sum of (share of events - share of non-events) × ln of their ratio (信息值).
Below 0.02 useless, 0.1 to 0.3 medium, above 0.5 suspicious. A null bin is a bin of its own; a null y is passed over; in the logarithm of a bin with an empty cell both cells count one half more. Null when there are not both outcomes. Error: 53400. Source: Siddiqi, Credit Risk Scorecards (2006), chapter 6.$$;

-- -- bins -----------------------------------------------------------------------------------------

CREATE TYPE crm.woe_bin AS (
    bin        integer,
    kind       text,
    lower      float8,
    upper      float8,
    members    text[],
    events     bigint,
    non_events bigint,
    event_rate float8,
    woe        float8,
    iv         float8
);
COMMENT ON TYPE crm.woe_bin IS
$$One bin of a characteristic: a range lower <= x < upper (null: open), values, a special value, or what is missing (分箱).
woe = ln(share of all events / share of all non-events): above 0 where events are more likely than on average; iv is the bin's part of the information value.$$;

CREATE FUNCTION crm.woe_numbers_step(internal, boolean, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_woe_numbers_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.woe_numbers_step(internal, boolean, float8) IS 'Takes a row into crm.woe_bins (聚合步骤).';
CREATE FUNCTION crm.woe_numbers_step(internal, boolean, float8, text, integer, float8, float8[]) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_woe_numbers_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.woe_numbers_step(internal, boolean, float8, text, integer, float8, float8[]) IS 'Takes a row into crm.woe_bins with options (聚合步骤).';
CREATE FUNCTION crm.woe_words_step(internal, boolean, text) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_woe_words_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.woe_words_step(internal, boolean, text) IS 'Takes a row into crm.woe_bins of a category (聚合步骤).';
CREATE FUNCTION crm.woe_words_step(internal, boolean, text, integer, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_woe_words_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.woe_words_step(internal, boolean, text, integer, float8) IS 'Takes a row into crm.woe_bins of a category with options (聚合步骤).';
CREATE FUNCTION crm.woe_numbers_final(internal) RETURNS crm.woe_bin[]
    AS 'MODULE_PATHNAME', 'crm_woe_numbers_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.woe_numbers_final(internal) IS 'The optimal bins of a number (最优分箱).';
CREATE FUNCTION crm.woe_words_final(internal) RETURNS crm.woe_bin[]
    AS 'MODULE_PATHNAME', 'crm_woe_words_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.woe_words_final(internal) IS 'The optimal bins of a category (最优分箱).';
CREATE AGGREGATE crm.woe_bins(y boolean, x float8) (
    SFUNC = crm.woe_numbers_step, STYPE = internal, FINALFUNC = crm.woe_numbers_final,
    COMBINEFUNC = crm.score_keys_combine, SERIALFUNC = crm.score_keys_serialize, DESERIALFUNC = crm.score_keys_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.woe_bins(boolean, float8) IS
$$Optimal bins of a number: of all ways to cut it into at most 6 bins of at least 5 % of its rows, with event rates that rise or fall throughout, that of the greatest information value (最优单调分箱).
SELECT * FROM unnest((SELECT crm.woe_bins(y, x) FROM t)). Null and NaN are a bin of their own, without share; a null y is passed over; null when there are not both outcomes. Cut at first into 64 groups of about as many rows. Error: 53400. Source: Navas-Palencia (2020), arXiv:2001.08025.$$;
CREATE AGGREGATE crm.woe_bins(y boolean, x float8, trend text, max_bins integer, min_share float8, special float8[]) (
    SFUNC = crm.woe_numbers_step, STYPE = internal, FINALFUNC = crm.woe_numbers_final,
    COMBINEFUNC = crm.score_keys_combine, SERIALFUNC = crm.score_keys_serialize, DESERIALFUNC = crm.score_keys_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.woe_bins(boolean, float8, text, integer, float8, float8[]) IS
$$Optimal bins of a number under a trend: auto (rising or falling), ascending, descending, peak, valley or none (最优分箱, 带选项).
max_bins 1 to 20; min_share 0 to 0.5 of the rows with an ordinary number; up to 16 special values, such as -1 for unknown, have a bin each. Options are those of the first row. Otherwise as crm.woe_bins(y, x). Errors: 22023, 53400.$$;
CREATE AGGREGATE crm.woe_bins(y boolean, x text) (
    SFUNC = crm.woe_words_step, STYPE = internal, FINALFUNC = crm.woe_words_final,
    COMBINEFUNC = crm.information_value_combine, SERIALFUNC = crm.information_value_serialize, DESERIALFUNC = crm.information_value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.woe_bins(boolean, text) IS
$$Optimal bins of a category: values of similar event rates are joined, into at most 6 bins of at least 5 % of the rows (类别变量最优分箱).
Null is a bin of its own. Otherwise as crm.woe_bins(y, x) of a number.$$;
CREATE AGGREGATE crm.woe_bins(y boolean, x text, max_bins integer, min_share float8) (
    SFUNC = crm.woe_words_step, STYPE = internal, FINALFUNC = crm.woe_words_final,
    COMBINEFUNC = crm.information_value_combine, SERIALFUNC = crm.information_value_serialize, DESERIALFUNC = crm.information_value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.woe_bins(boolean, text, integer, float8) IS
$$Optimal bins of a category, with the most bins and the least share given (类别变量最优分箱, 带选项). Errors: 22023, 53400.$$;

CREATE FUNCTION crm.population_stability_index(expected float8[], actual float8[]) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_population_stability_index' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.population_stability_index(float8[], float8[]) IS
$$Population stability index of two distributions over the same bins: sum of (actual - expected) × ln(actual / expected) (群体稳定性指标).
Shares or counts; each side is divided by its sum; a share below 0.0001 counts as that. Below 0.10 stable, 0.10 to 0.25 watch, above 0.25 act. Errors: 2202E different lengths, 22004 null, 22023 negative, NaN or no sum above 0. Source: Siddiqi (2006), chapter 8.$$;

-- -- purchases to expect --------------------------------------------------------------------------

CREATE TYPE crm.bgnbd_model AS (
    r              float8,
    alpha          float8,
    a              float8,
    b              float8,
    log_likelihood float8,
    iterations     integer,
    converged      boolean
);
COMMENT ON TYPE crm.bgnbd_model IS
$$BG/NBD: purchases come at a gamma distributed rate (shape r, rate alpha), after each a customer leaves with a beta distributed chance (a, b) (购买频次模型).
alpha is in the unit of time of the data. Source: Fader, Hardie and Lee (2005).$$;
CREATE TYPE crm.gamma_gamma_model AS (
    p              float8,
    q              float8,
    v              float8,
    log_likelihood float8,
    iterations     integer,
    converged      boolean
);
COMMENT ON TYPE crm.gamma_gamma_model IS
$$Gamma-gamma: values of purchases vary about a customer's mean by a gamma distribution of shape p, the means' rates among customers by one of shape q and rate v (购买金额模型).
v is in the unit of money of the data. Source: Fader and Hardie (2013).$$;

CREATE FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_bgnbd_fit_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8) IS 'Takes a customer into crm.bgnbd_fit (聚合步骤).';
CREATE FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_bgnbd_fit_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_fit_step(internal, float8, float8, float8, float8) IS 'Takes customers of one history into crm.bgnbd_fit (聚合步骤).';
CREATE FUNCTION crm.gamma_gamma_fit_step(internal, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_gamma_gamma_fit_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.gamma_gamma_fit_step(internal, float8, float8) IS 'Takes a customer into crm.gamma_gamma_fit (聚合步骤).';
CREATE FUNCTION crm.value_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_value_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.value_combine(internal, internal) IS 'Joins what two workers read (并行合并).';
CREATE FUNCTION crm.value_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_value_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.value_serialize(internal) IS 'What a worker hands over (序列化).';
CREATE FUNCTION crm.value_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_value_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.value_deserialize(bytea, internal) IS 'What a worker handed over (反序列化).';
CREATE FUNCTION crm.bgnbd_fit_final(internal) RETURNS crm.bgnbd_model
    AS 'MODULE_PATHNAME', 'crm_bgnbd_fit_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_fit_final(internal) IS 'The maximum of the likelihood (极大似然).';
CREATE FUNCTION crm.gamma_gamma_fit_final(internal) RETURNS crm.gamma_gamma_model
    AS 'MODULE_PATHNAME', 'crm_gamma_gamma_fit_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.gamma_gamma_fit_final(internal) IS 'The maximum of the likelihood (极大似然).';

CREATE AGGREGATE crm.bgnbd_fit(x float8, t_x float8, t float8) (
    SFUNC = crm.bgnbd_fit_step, STYPE = internal, FINALFUNC = crm.bgnbd_fit_final, COMBINEFUNC = crm.value_combine,
    SERIALFUNC = crm.value_serialize, DESERIALFUNC = crm.value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.bgnbd_fit(float8, float8, float8) IS
$$Fits the BG/NBD model of repeat purchases (购买频次模型拟合).
One row a customer: x repeat purchases (a whole number), t_x the time from the first purchase to the last (0 without a repeat), t the time from the first purchase to the end; t_x and t in one unit. Rows with a null are passed over; without rows the result is null. converged is false where the data determine no finite parameters. Errors: 22023 for what is no history, and where no customer bought again or all are alike; 53400 beyond crm.score_fit_memory. Source: Fader, Hardie and Lee (2005), Marketing Science 24(2).$$;
CREATE AGGREGATE crm.bgnbd_fit(x float8, t_x float8, t float8, weight float8) (
    SFUNC = crm.bgnbd_fit_step, STYPE = internal, FINALFUNC = crm.bgnbd_fit_final, COMBINEFUNC = crm.value_combine,
    SERIALFUNC = crm.value_serialize, DESERIALFUNC = crm.value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.bgnbd_fit(float8, float8, float8, float8) IS
$$Fits the BG/NBD model where a row stands for so many customers of one history (购买频次模型拟合, 加权).
Otherwise as crm.bgnbd_fit(x, t_x, t).$$;
CREATE AGGREGATE crm.gamma_gamma_fit(x float8, mean_value float8) (
    SFUNC = crm.gamma_gamma_fit_step, STYPE = internal, FINALFUNC = crm.gamma_gamma_fit_final, COMBINEFUNC = crm.value_combine,
    SERIALFUNC = crm.value_serialize, DESERIALFUNC = crm.value_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gamma_gamma_fit(float8, float8) IS
$$Fits the gamma-gamma model of the value of purchases (购买金额模型拟合).
One row a customer: x repeat purchases, mean_value their mean. Customers without repeat purchases and rows with a null are passed over; without rows the result is null. Errors: 22023 for a mean value that is not above 0, and where all customers are alike; 53400. Source: Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value.$$;

CREATE FUNCTION crm.bgnbd_p_alive(x float8, t_x float8, t float8, r float8, alpha float8, a float8, b float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_bgnbd_p_alive_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_p_alive(float8, float8, float8, float8, float8, float8, float8) IS
$$Probability that a customer with this history has not left (存活概率).
1 without repeat purchases, as the model has it: customers leave after purchases only. Error: 22023. Source: Fader and Hardie (2008).$$;
CREATE FUNCTION crm.bgnbd_expected_transactions(x float8, t_x float8, t float8, horizon float8, r float8, alpha float8, a float8, b float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_bgnbd_expected_transactions' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_expected_transactions(float8, float8, float8, float8, float8, float8, float8, float8) IS
$$Purchases to expect of a customer with this history in the time to come (预期购买次数).
horizon is in the unit of t. Error: 22023, also for a horizon beyond 10000 times alpha + t. Source: Fader, Hardie and Lee (2005), equation 10.$$;
CREATE FUNCTION crm.bgnbd_expected_transactions(horizon float8, r float8, alpha float8, a float8, b float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_bgnbd_expected_new' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bgnbd_expected_transactions(float8, float8, float8, float8, float8) IS
$$Repeat purchases to expect of a customer at his first purchase (新客户预期购买次数).
Error: 22023. Source: Fader, Hardie and Lee (2005), equation 9.$$;
CREATE FUNCTION crm.gamma_gamma_expected_value(x float8, mean_value float8, p float8, q float8, v float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_gamma_gamma_expected_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.gamma_gamma_expected_value(float8, float8, float8, float8, float8) IS
$$Mean value of the purchases to expect: between the customer's own mean and that of all (预期购买金额).
Without repeat purchases, x = 0, that of all. Errors: 22023; 22003 where the model has no mean. Source: Fader and Hardie (2013), equation 5.$$;
CREATE FUNCTION crm.customer_lifetime_value(x float8, t_x float8, t float8, mean_value float8,
        periods integer, period_length float8, discount_rate float8, margin float8,
        r float8, alpha float8, a float8, b float8, p float8, q float8, v float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_customer_lifetime_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_lifetime_value(float8, float8, float8, float8, integer, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8) IS
$$Residual lifetime value: over the periods to come, purchases to expect × their value × margin, discounted from each period's end (客户终身价值).
period_length in the unit of t; discount_rate for one period; margin is the share of a purchase that is profit. What a customer has bought so far is not in it. Errors: 22023, 22003. Source: Fader, Hardie and Lee (2005), RFM and CLV, Journal of Marketing Research 42(4).$$;
CREATE FUNCTION crm.customer_lifetime_value(x float8, t_x float8, t float8, mean_value float8,
        periods integer, period_length float8, discount_rate float8, margin float8,
        purchases crm.bgnbd_model, amounts crm.gamma_gamma_model) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS 'SELECT crm.customer_lifetime_value(x, t_x, t, mean_value, periods, period_length, discount_rate, margin,
                                       (purchases).r, (purchases).alpha, (purchases).a, (purchases).b, (amounts).p, (amounts).q, (amounts).v)';
COMMENT ON FUNCTION crm.customer_lifetime_value(float8, float8, float8, float8, integer, float8, float8, float8, crm.bgnbd_model, crm.gamma_gamma_model) IS
$$Residual lifetime value by two fitted models as bgnbd_fit and gamma_gamma_fit return them (客户终身价值).
Otherwise as with the parameters one by one.$$;

-- -- scorecards ---------------------------------------------------------------------------------

CREATE TYPE crm.scorecard_bin AS (
    characteristic    text,
    "position"        integer,
    kind              text,
    bin               integer,
    bin_kind          text,
    lower             float8,
    upper             float8,
    members           text[],
    points            integer,
    woe               float8,
    goods             float8,
    bads              float8,
    information_value float8
);
COMMENT ON TYPE crm.scorecard_bin IS 'One bin of a fitted scorecard, as crm.scorecard_solve returns it (评分卡分箱).';
CREATE TYPE crm.scorecard AS (
    base_points integer,
    scale_low   integer,
    scale_high  integer,
    band_edges  float8[],
    band_shares float8[],
    auc         float8,
    bins        crm.scorecard_bin[]
);
COMMENT ON TYPE crm.scorecard IS 'A fitted scorecard: base points, least and greatest total, bands of the sample, AUC in the sample, bins (评分卡).';

CREATE FUNCTION crm.scorecard_solve(query text, characteristics text[], base_score float8, base_odds float8, pdo float8) RETURNS crm.scorecard
    AS 'MODULE_PATHNAME', 'crm_scorecard_solve' LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.scorecard_solve(text, text[], float8, float8, float8) IS
$$Points for the levels of characteristics, from a query of the event (boolean) and a column (float8 or text) for each characteristic (评分卡求解).
The query runs as the caller. crm.scorecard_fit writes it and stores the result. Errors: 22023, 53400. Sources: doc/score-methods.md.$$;
CREATE FUNCTION crm.score_number(text) RETURNS float8
    AS 'MODULE_PATHNAME', 'crm_score_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_number(text) IS 'The number that a text holds, blanks about it allowed; null when it is none (文本转数值). Never raises.';

CREATE FUNCTION crm.score_source_columns(source regclass) RETURNS TABLE (name name, number smallint, kind text, expression text)
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
SELECT a.attname, a.attnum, k.kind,
       CASE k.kind WHEN 'numeric' THEN format('t.%I::float8', a.attname)
                   WHEN 'day' THEN format('(EXTRACT(epoch FROM t.%I) / 86400)::float8', a.attname)
                   WHEN 'category' THEN format('t.%I::text', a.attname) END
  FROM pg_attribute a JOIN pg_type d ON d.oid = a.atttypid
  JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END,
       LATERAL (SELECT CASE WHEN t.typcategory = 'N' AND t.oid NOT IN ('money'::regtype, 'regclass'::regtype) AND t.typnamespace = 'pg_catalog'::regnamespace THEN 'numeric'
                            WHEN t.oid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN 'day'
                            WHEN t.typcategory IN ('B', 'S', 'E') THEN 'category' END) k (kind)
 WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
$$;
COMMENT ON FUNCTION crm.score_source_columns(regclass) IS
$$How a scorecard reads each column of a table: numbers, days since 1970 for dates and times, text for text, boolean and enumerations, null for other types (评分数据列).$$;

CREATE FUNCTION crm.score_source_id(source regclass) RETURNS name
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
SELECT a.attname
  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
 WHERE i.indrelid = source AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attnum > 0
 ORDER BY i.indisprimary DESC, a.attnum LIMIT 1
$$;
COMMENT ON FUNCTION crm.score_source_id(regclass) IS 'The column that names a row: the primary key of one column, else the first unique column, else null (行标识列).';

CREATE FUNCTION crm.score_event(source regclass, target name, event text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    type regtype;
    found_values text[];
    why text;
BEGIN
    SELECT a.atttypid INTO type FROM pg_attribute a WHERE a.attrelid = source AND a.attname = target AND a.attnum > 0 AND NOT a.attisdropped;
    IF type IS NULL THEN
        PERFORM crm.score_refuse_fit('42703', format('%s has no column %I.', source, target), 'Name the column that holds the outcome.');
    END IF;
    EXECUTE format('SELECT array_agg(v ORDER BY n, v DESC) FROM (SELECT t.%1$I::text, count(*) FROM %2$s t WHERE t.%1$I IS NOT NULL GROUP BY 1 LIMIT 3) x (v, n)', target, source)
       INTO found_values;
    why := CASE WHEN found_values IS NULL THEN 'There is no row whose target is known.'
                WHEN cardinality(found_values) <> 2 THEN format('The target %I has %s.', target, CASE cardinality(found_values) WHEN 1 THEN 'one value only' ELSE 'more than two values' END)
                WHEN event <> ALL (found_values) THEN format('The target %I never is the event given.', target) END;
    IF why IS NOT NULL THEN
        PERFORM crm.score_refuse_fit('22023', why, 'The target has two values, the event and its absence; null where it is not known.');
    END IF;
    IF event IS NULL THEN
        event := CASE WHEN type = 'boolean'::regtype THEN 'true'
                      WHEN (SELECT typcategory FROM pg_type WHERE oid = type) = 'N' THEN (SELECT max(v::numeric)::text FROM unnest(found_values) v)
                      ELSE found_values[1] END;
    END IF;
    RETURN CASE WHEN (SELECT typcategory FROM pg_type WHERE oid = type) = 'N' THEN format('t.%I::numeric = %L::numeric', target, event)
                ELSE format('t.%I::text = %L', target, event) END;
END
$$;
COMMENT ON FUNCTION crm.score_event(regclass, name, text) IS
$$The condition that says whether a row has the event (目标事件).
Without an event named: true, the greater of two numbers, the rarer of two texts. Errors: 42703, 22023.$$;

CREATE FUNCTION crm.score_refuse_fit(state text, why text, next_step text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'these columns cannot be fitted' USING ERRCODE = state, DETAIL = why, HINT = next_step;
END
$$;
COMMENT ON FUNCTION crm.score_refuse_fit(text, text, text) IS 'Raise what is wrong with the columns of a fit (拒绝拟合).';

CREATE PROCEDURE crm.scorecard_fit(model text, source regclass, target name, characteristics name[] DEFAULT NULL,
                                   event text DEFAULT NULL, base_score float8 DEFAULT 600, base_odds float8 DEFAULT 19, pdo float8 DEFAULT 50)
    LANGUAGE plpgsql SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    condition text := crm.score_event(source, target, event);
    id name := crm.score_source_id(source);
    wrong text;
    card crm.scorecard;
    names text[];
    list text;
BEGIN
    SELECT string_agg(format('%I', c), ', ') INTO wrong
      FROM unnest(characteristics) c LEFT JOIN crm.score_source_columns(source) s ON s.name = c
     WHERE s.kind IS NULL OR c = target;
    IF wrong IS NOT NULL THEN
        PERFORM crm.score_refuse_fit('42703', format('No characteristic can be made of %s.', wrong),
                                     'Characteristics are columns of numbers, dates, text or boolean, without the target.');
    END IF;
    SELECT array_agg(s.name::text ORDER BY array_position(characteristics, s.name), s.number),
           string_agg(s.expression, ', ' ORDER BY array_position(characteristics, s.name), s.number)
      INTO names, list
      FROM crm.score_source_columns(source) s
     WHERE s.kind IS NOT NULL AND s.name <> target
       AND CASE WHEN characteristics IS NULL THEN s.name IS DISTINCT FROM id ELSE s.name = ANY (characteristics) END;
    IF names IS NULL THEN
        PERFORM crm.score_refuse_fit('22023', 'There is no characteristic.', 'Name columns beside the target.');
    END IF;
    card := crm.scorecard_solve(format('SELECT %s, %s FROM %s t', condition, list, source), names, base_score, base_odds, pdo);
    PERFORM crm.scorecard_store(model, target, base_score, base_odds, pdo, card);
END
$$;
COMMENT ON PROCEDURE crm.scorecard_fit(text, regclass, name, name[], text, float8, float8, float8) IS
$$Fits a scorecard of whole points to a table and keeps it as a new draft version of the model (评分卡拟合).
source: a table or view that the caller may read; target: a column of two values; characteristics: columns to use, all others when null, but not the target, nor the primary key or the first unique column. event: the target's value that is scored down; else true, the greater of two numbers, the rarer of two texts. A total of base_score means base_odds rows without the event to one with it; pdo more points double these odds. Numbers, and text of numbers alone, get points that rise or fall but never turn; dates are days; other text and boolean are categories, the rarest beyond 60 taken together; what is missing has points of its own. Columns that tell nothing are left out with a notice. Errors: 22023, 42703, 53400. Method and sources: doc/score-methods.md.$$;
REVOKE EXECUTE ON PROCEDURE crm.scorecard_fit(text, regclass, name, name[], text, float8, float8, float8) FROM PUBLIC; -- makes models

CREATE FUNCTION crm.scorecard_store(model text, target text, base_score float8, base_odds float8, pdo float8, card crm.scorecard) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    fresh integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('crm.score_model ' || model, 0));
    SELECT coalesce(max(m.version), 0) + 1 INTO fresh FROM crm_data.score_model m WHERE m.model = scorecard_store.model;
    INSERT INTO crm_data.score_model (model, version, purpose, domain, label_zh, label_en, base_points, scale_low, scale_high,
                                      method, target, base_score, base_odds, pdo, band_edges, band_shares, note)
    VALUES (model, fresh, coalesce((SELECT m.purpose FROM crm_data.score_model m WHERE m.model = scorecard_store.model AND m.version = fresh - 1), model),
            coalesce((SELECT m.domain FROM crm_data.score_model m WHERE m.model = scorecard_store.model AND m.version = fresh - 1), 'general'),
            model, model, card.base_points, card.scale_low, card.scale_high, 'scorecard', target, base_score, base_odds, pdo,
            card.band_edges, card.band_shares, format('AUC in the sample %s', round(card.auc::numeric, 4)));
    INSERT INTO crm_data.score_characteristic (model, version, characteristic, position, input, kind, label_zh, label_en, information_value)
    SELECT DISTINCT scorecard_store.model, fresh, b.characteristic, b.position, b.characteristic, b.kind, b.characteristic, b.characteristic, b.information_value
      FROM unnest(card.bins) b ORDER BY b.position;
    INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, lower, upper, members, points, woe, goods, bads)
    SELECT scorecard_store.model, fresh, b.characteristic, b.bin, b.bin_kind, b.lower, b.upper, b.members, b.points, b.woe, b.goods, b.bads
      FROM unnest(card.bins) b ORDER BY b.position, b.bin;
    RETURN fresh;
END
$$;
ALTER FUNCTION crm.scorecard_store(text, text, float8, float8, float8, crm.scorecard) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.scorecard_store(text, text, float8, float8, float8, crm.scorecard) IS
$$Keeps a fitted scorecard as the next version, a draft, with the purpose and domain of the version before (保存评分卡). Returns the version.$$;
REVOKE EXECUTE ON FUNCTION crm.scorecard_store(text, text, float8, float8, float8, crm.scorecard) FROM PUBLIC; -- makes models

CREATE FUNCTION crm.score_inputs(model text) RETURNS TABLE (version integer, "position" smallint, input text, kind text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
SELECT c.version, c.position, c.input, c.kind FROM crm_data.score_characteristic c
 WHERE c.model = split_part(score_inputs.model, '@', 1) AND c.version = (crm.score_span(score_inputs.model)).version ORDER BY c.position
$$;
ALTER FUNCTION crm.score_inputs(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_inputs(text) IS 'What a model reads: input and kind of each characteristic, by position (模型输入). Errors: 42704.';
REVOKE EXECUTE ON FUNCTION crm.score_inputs(text) FROM PUBLIC; -- tells of the model

CREATE FUNCTION crm.score_table(model text, source regclass) RETURNS TABLE (id text, score integer, points integer[], reason_codes text[])
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
DECLARE
    list text;
    missing text;
    fixed text;
BEGIN
    SELECT string_agg(CASE WHEN i.kind = 'category' THEN format('t.%I::text', i.input)
                           WHEN s.kind = 'category' THEN format('crm.score_number(t.%I::text)', i.input)
                           ELSE s.expression END, ', ' ORDER BY i.position),
           string_agg(format('%I', i.input), ', ') FILTER (WHERE s.kind IS NULL),
           format('%s@%s', split_part(score_table.model, '@', 1), min(i.version))
      INTO list, missing, fixed
      FROM crm.score_inputs(score_table.model) i LEFT JOIN crm.score_source_columns(source) s ON s.name = i.input;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'the table lacks characteristics of the model' USING ERRCODE = 'undefined_column',
            DETAIL = format('%s has no usable column %s.', source, missing), HINT = 'Score a table or view that has the columns that the model was fitted to.';
    END IF;
    RETURN QUERY EXECUTE format('SELECT s.id, (s.r).total, (s.r).points, (s.r).reasons FROM (SELECT %s::text AS id, crm.score_columns(%L, %s) AS r FROM %s t OFFSET 0) s',
                                coalesce('t.' || quote_ident(crm.score_source_id(source)),
                                         (SELECT CASE WHEN c.relkind IN ('r', 'm') THEN 't.ctid' ELSE 'row_number() OVER ()' END FROM pg_class c WHERE c.oid = source)), fixed, list, source);
END
$$;
COMMENT ON FUNCTION crm.score_table(text, regclass) IS
$$Scores every row of a table that has the model's columns: total, points of each characteristic in the order of their positions, reason codes (批量评分).
model as in crm.score_columns(): a name, or name@version. id: the primary key of one column, else the first unique column, else the row's place in the table (ctid), of a view its number in the order read; as text. A high score means that the event is unlikely. Errors: 42704 no such model, 42703 a column that is missing.$$;
REVOKE EXECUTE ON FUNCTION crm.score_table(text, regclass) FROM PUBLIC; -- who can try values learns the model
DO $grants$
BEGIN
    GRANT EXECUTE ON PROCEDURE crm.scorecard_fit(text, regclass, name, name[], text, float8, float8, float8) TO crm_data_admin;
    GRANT EXECUTE ON FUNCTION crm.scorecard_store(text, text, float8, float8, float8, crm.scorecard) TO crm_data_admin;
    GRANT EXECUTE ON FUNCTION crm.score_inputs(text), crm.score_table(text, regclass) TO crm_data_admin, crm_credit;
END
$grants$;

-- -- recency, frequency, monetary value --------------------------------------------------------------

CREATE FUNCTION crm.rfm_solve(query text, quantiles integer, customer_type regtype)
    RETURNS TABLE (customer text, recency integer, frequency bigint, monetary float8, r_score integer, f_score integer, m_score integer)
    AS 'MODULE_PATHNAME', 'crm_rfm_solve' LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.rfm_solve(text, integer, regtype) IS
$$Customers and scores from a query of customer, days ago (integer), amount (float8 or numeric) (RFM 求解). crm.rfm_score writes the query; it runs as the caller. Errors: 22023, 53400.$$;
CREATE FUNCTION crm.rfm_score(source regclass, customer name, bought_on name, amount name, as_of date, quantiles integer DEFAULT 5)
    RETURNS TABLE (customer_id text, recency integer, frequency bigint, monetary float8, r_score integer, f_score integer, m_score integer)
    LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE ROWS 100000
    SET search_path = pg_catalog, crm, pg_temp SET work_mem = '256MB' SET jit = off
    AS $$
DECLARE
    id text;
    id_type regtype;
    day text;
    value text;
BEGIN
    SELECT CASE WHEN y.typbyval THEN format('t.%I', rfm_score.customer) ELSE format('t.%I::text', rfm_score.customer) END,
           CASE WHEN y.typbyval THEN a.atttypid ELSE 'text'::regtype END
      INTO id, id_type
      FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
     WHERE a.attrelid = source AND a.attname = rfm_score.customer AND a.attnum > 0 AND NOT a.attisdropped;
    SELECT CASE a.atttypid WHEN 'date'::regtype THEN format('%L::date - t.%I', as_of, bought_on)
                           WHEN 'timestamp'::regtype THEN format('%L::date - t.%I::date', as_of, bought_on)
                           WHEN 'timestamptz'::regtype THEN format('%L::date - (t.%I AT TIME ZONE current_setting(''crm.timezone''))::date', as_of, bought_on) END INTO day
      FROM pg_attribute a WHERE a.attrelid = source AND a.attname = bought_on AND a.attnum > 0 AND NOT a.attisdropped;
    SELECT CASE WHEN a.atttypid IN ('float8'::regtype, 'numeric'::regtype) THEN format('t.%I', amount)
                WHEN y.typcategory = 'N' THEN format('t.%I::float8', amount) END INTO value
      FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
     WHERE a.attrelid = source AND a.attname = amount AND a.attnum > 0 AND NOT a.attisdropped;
    IF id IS NULL OR day IS NULL OR value IS NULL THEN
        PERFORM crm.score_refuse_fit('42703', format('%s has no column %s.', source, concat_ws(' and no column ',
                    CASE WHEN id IS NULL THEN format('%I for the customer', rfm_score.customer) END, CASE WHEN day IS NULL THEN format('%I of dates', bought_on) END,
                    CASE WHEN value IS NULL THEN format('%I of amounts', amount) END)),
                'Name the columns of customer, day and amount of a table of purchases.');
    END IF;
    RETURN QUERY SELECT * FROM crm.rfm_solve(format('SELECT %s, %s, %s FROM %s t', id, day, value, source), quantiles, id_type);
END
$$;
COMMENT ON FUNCTION crm.rfm_score(regclass, name, name, name, date, integer) IS
$$Recency, frequency, monetary value of each customer, and scores from 1 to quantiles, the best highest (RFM 评分).
One row of the source is one purchase. recency: days from the last purchase to as_of; frequency: purchases; monetary: the sum of amounts. Scores are ceil(quantiles × cume_dist()): customers with the same value have the same score. Purchases after as_of, and rows with a null, are passed over. Times count by the company's day for timestamptz. Errors: 42703 a column is missing or of another type, 22023 NaN or infinite amount, 22003 a sum beyond 900000000000000, 53400 beyond crm.score_fit_memory. Decimal amounts of up to four places add exactly, so equal sums are ties. Source: Hughes, Strategic Database Marketing (1994).$$;

CREATE FUNCTION crm.rfm_segment(r_score integer, f_score integer, m_score integer) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
SELECT s.segment FROM crm.rfm_segment_rule s
 WHERE r_score BETWEEN s.r_from AND s.r_to AND f_score BETWEEN s.f_from AND s.f_to AND m_score BETWEEN s.m_from AND s.m_to
 ORDER BY s.position LIMIT 1
$$;
COMMENT ON FUNCTION crm.rfm_segment(integer, integer, integer) IS
$$Segment of a customer by quintile scores: the first row of crm.rfm_segment_rule that the scores fit (RFM 客户分群).
For many customers join the view, which is faster. Null when none fits.$$;

CREATE FUNCTION crm.profit_contribution(revenue numeric, product_cost numeric, service_cost numeric, investment numeric, bad_debt numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS 'SELECT revenue - coalesce(product_cost, 0) - coalesce(service_cost, 0) - coalesce(investment, 0) - coalesce(bad_debt, 0)';
COMMENT ON FUNCTION crm.profit_contribution(numeric, numeric, numeric, numeric, numeric) IS
$$What a customer contributed to profit in a period: revenue less the costs of products and of service, what was invested in him, and bad debts (客户利润贡献).
All in one currency and of one period; a null cost is 0, a null revenue gives null.$$;
CREATE FUNCTION crm.abc_class(share_before numeric) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$SELECT CASE WHEN share_before < 0.80 THEN 'A' WHEN share_before < 0.95 THEN 'B' ELSE 'C' END$$;
COMMENT ON FUNCTION crm.abc_class(numeric) IS
$$Class of a customer by the share of all contribution that greater customers make: A the first 80 %, B up to 95 %, C the rest (ABC 分类).
share_before: (running sum - own) / sum, over contributions above 0, the greatest first.$$;
