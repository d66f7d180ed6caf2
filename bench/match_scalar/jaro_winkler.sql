-- The peer: Jaro-Winkler as it is written in PL/pgSQL.
CREATE FUNCTION public.jaro_winkler(a text, b text) RETURNS float8 LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    x text[] := string_to_array(a, NULL);
    y text[] := string_to_array(b, NULL);
    n int := length(a);
    m int := length(b);
    near int := greatest(greatest(n, m) / 2 - 1, 0);
    taken boolean[] := array_fill(false, ARRAY[greatest(m, 1)]);
    matched text[] := '{}';
    k int := 0;
    turned int := 0;
    prefix int := 0;
    jaro float8;
BEGIN
    FOR i IN 1..n LOOP
        FOR j IN greatest(1, i - near)..least(m, i + near) LOOP
            IF NOT taken[j] AND x[i] = y[j] THEN
                taken[j] := true;
                matched := matched || x[i];
                EXIT;
            END IF;
        END LOOP;
    END LOOP;
    IF cardinality(matched) = 0 THEN RETURN 0; END IF;
    FOR j IN 1..m LOOP
        IF taken[j] THEN
            k := k + 1;
            IF matched[k] <> y[j] THEN turned := turned + 1; END IF;
        END IF;
    END LOOP;
    jaro := (k::float8 / n + k::float8 / m + (k - turned / 2)::float8 / k) / 3;
    WHILE prefix < 4 AND x[prefix + 1] = y[prefix + 1] LOOP
        prefix := prefix + 1;
    END LOOP;
    RETURN CASE WHEN jaro > 0.7 THEN jaro + prefix * 0.1 * (1 - jaro) ELSE jaro END;
END $$;
