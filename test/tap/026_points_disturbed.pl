# Proves: six sessions that post in single calls, batches and under savepoints, while another cancels them at
# any moment and a third rebuilds tables and indexes, adds and drops indexes and checks, changes
# programmes and posts expiry, lose nothing and do nothing twice: what each of them noted together with its
# posting is what the journal holds, whatever was undone in between is not, the books
# are in balance, all indexes agree with their tables, and a request that comes again is a replay.
# CRM_POINTS_DISTURBED: rounds of each session.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $sessions = 6;
my $rounds = $ENV{CRM_POINTS_DISTURBED} // 150;
my $node = server('disturbed', conf => [ 'fsync = off', 'autovacuum = off', 'deadlock_timeout = 100ms' ]);
$node->start;
deploy($node, 'crm');

sub sql { return $node->safe_psql('crm', $_[0]) }

sql(q{
CREATE EXTENSION amcheck;
SELECT crm.define_points_programme('second', '第二', 'Second');
CREATE TABLE public.noted (customer crm.customer_code, id text, op crm.points_op, PRIMARY KEY (customer, id));
CREATE TABLE public.round (session int PRIMARY KEY, done int NOT NULL, cancelled int NOT NULL, is_last boolean NOT NULL DEFAULT false);
CREATE TABLE public.changed ();

-- What comes to whom; some names are everybody's, some refer to what was posted before.
CREATE FUNCTION public.any_op(session int, n text) RETURNS crm.points_op LANGUAGE plpgsql AS $$
DECLARE
    o crm.points_op;
    earlier record;
BEGIN
    o.request_id := CASE WHEN random() < 0.1 THEN 'shared ' || (random() * 200)::int ELSE session || '.' || n END;
    o.op := (ARRAY['earn', 'earn', 'gift', 'redeem', 'redeem', 'transfer', 'freeze', 'unfreeze', 'capture', 'reverse_redeem', 'reverse_earn', 'adjust'])[1 + floor(random() * 12)];
    o.business_date := CASE WHEN random() < 0.2 THEN '2026-02-01' ELSE '2026-03-01' END;
    o.customer := crm.customer_code(date '2026-01-01', 1 + floor(random() * 8)::int);
    o.customer2 := crm.customer_code(date '2026-01-01', 1 + floor(random() * 8)::int);
    o.programme := CASE WHEN random() < 0.3 THEN 'second' ELSE 'main' END;
    o.amount := 1 + floor(random() * 50);
    o.expires_on := (ARRAY['2026-02-28', '2026-06-30', '2027-12-31', 'infinity'])[1 + floor(random() * 4)];
    o.class := (ARRAY['a', 'b'])[1 + floor(random() * 3)];
    IF o.op IN ('unfreeze', 'capture', 'reverse_redeem', 'reverse_earn') THEN
        SELECT * INTO earlier FROM public.noted t WHERE (t.op).op = CASE o.op WHEN 'reverse_earn' THEN 'earn' WHEN 'reverse_redeem' THEN 'redeem' ELSE 'freeze' END
         ORDER BY random() LIMIT 1;
        o.customer := coalesce(earlier.customer, o.customer);
        o.programme := coalesce((earlier.op).programme, o.programme);
        o.ref := coalesce(earlier.id, 'none');
        o.amount := CASE WHEN random() < 0.5 THEN o.amount END;
    END IF;
    RETURN o;
END
$$;

-- A round posts once or twice and notes it; some rounds undo what they did.
CREATE FUNCTION public.post_some(session int, n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    size int := (ARRAY[1, 1, 1, 5, 30, 600])[1 + floor(random() * 6)];
    ops crm.points_op[];
BEGIN
    FOR part IN 1 .. 2 LOOP
        BEGIN
            ops := ARRAY(SELECT public.any_op(session, n || '.' || part || '.' || i) FROM generate_series(1, size) i);
            IF size > 1 THEN
                ops := ops || ops[1] || ARRAY(SELECT t.op FROM public.noted t WHERE random() < 0.05 LIMIT 5);
            END IF;
            -- Once: whoever names it again in the batch gets a replay or a conflict.
            INSERT INTO public.noted SELECT (ops[b.n]).customer, b.request_id, ops[b.n] FROM crm.points_post_batch(ops) WITH ORDINALITY b(request_id, status, available, held, debt, breakdown, n) WHERE b.status = 'ok';
            IF random() < 0.2 THEN
                RAISE EXCEPTION 'undone';
            END IF;
        EXCEPTION WHEN query_canceled THEN
            UPDATE public.round r SET cancelled = cancelled + 1 WHERE r.session = post_some.session;
        WHEN raise_exception OR deadlock_detected THEN
            NULL;
        END;
    END LOOP;
END
$$;
-- So many rounds, and on until all changes were made.
CREATE PROCEDURE public.post_all(session int, rounds int) LANGUAGE plpgsql AS $$
DECLARE
    n int;
    last boolean;
BEGIN
    INSERT INTO public.round AS r VALUES (session, 0, 0) ON CONFLICT DO NOTHING;
    COMMIT;
    LOOP
        SELECT r.done + 1, r.is_last INTO n, last FROM public.round r WHERE r.session = post_all.session;
        EXIT WHEN last;
        PERFORM public.post_some(session, n);
        UPDATE public.round r SET done = n, is_last = n >= rounds AND EXISTS (SELECT FROM public.changed) WHERE r.session = post_all.session;
        COMMIT;
    END LOOP;
END
$$;
});

# Sessions that were cancelled where they could not note it go on where they were.
sub session
{
	my (@statements) = @_;
	return IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm'), map { ('-c', $_) } @statements ], '>', '/dev/null', '2>', '/dev/null');
}
my @posting = map { session(("CALL public.post_all($_, $rounds)") x 100) } 1 .. $sessions;
my $finished = "(SELECT count(*) FILTER (WHERE is_last) = $sessions FROM public.round)";
# Each look of its own transaction, which an index that is rebuilt need not wait for.
my $cancelling = session(qq{DO \$\$ BEGIN
	WHILE NOT $finished LOOP
		PERFORM pg_sleep(random() / 100), pg_cancel_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL public.post_all%' AND state = 'active' ORDER BY random() LIMIT 1) a;
		COMMIT;
	END LOOP;
END \$\$});
my @changes = ('VACUUM FULL crm_data.points_account', 'VACUUM crm_data.points_account', 'CLUSTER crm_data.points_account USING points_account_pkey', 'REINDEX TABLE crm_data.points_journal',
	'REINDEX TABLE CONCURRENTLY crm_data.points_account', 'CREATE INDEX added ON crm_data.points_journal (posted_at)', "CALL crm.points_expire_due('2026-03-01', 3)",
	'ALTER TABLE crm_data.points_account ADD CONSTRAINT added CHECK (seq >= 0)', 'DROP INDEX crm_data.added', "SELECT crm.define_points_programme('second', '第二', 'Second', redeem_min => 2)",
	'ALTER TABLE crm_data.points_account DROP CONSTRAINT added', 'VACUUM FULL crm_data.points_journal', 'CREATE INDEX CONCURRENTLY later ON crm_data.points_account (seq)',
	'DROP INDEX CONCURRENTLY crm_data.later');
my (undef, $errors) = run_command([ 'psql', '-XqAt', '-d', $node->connstr('crm'), (map { ('-c', $_) } @changes), '-c', 'INSERT INTO public.changed DEFAULT VALUES' ]);
IPC::Run::finish($_) for @posting, $cancelling;

is($errors, '', 'every change is made while they post');
is(sql("SELECT $finished"), 't', 'and they come to their end');
cmp_ok(sql('SELECT sum(cancelled) FROM public.round'), '>', 0, 'postings were cancelled in the middle');
is(sql('SELECT * FROM crm.points_audit()'), '', 'the books are in balance');
is(sql(q{SELECT count(*) FROM (SELECT customer, id FROM public.noted EXCEPT ALL SELECT customer_code, request_id FROM crm_data.points_journal) lost}), 0, 'nothing that was noted is missing');
is(sql(q{SELECT count(*) FROM (SELECT customer_code, request_id FROM crm_data.points_journal WHERE request_id !~ '^~' EXCEPT ALL SELECT customer, id FROM public.noted) made}), 0, 'and nothing is there that was not');
is(sql(q{SELECT array_agg(DISTINCT b.status) FROM crm.points_post_batch((SELECT array_agg(op) FROM public.noted)) b}), '{replay}', 'each comes again as a replay');
is(sql(q{SELECT count(bt_index_parent_check(c.oid, true)) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
          WHERE i.indisvalid AND i.indrelid IN ('crm_data.points_account'::regclass, 'crm_data.points_journal'::regclass)}) >= 3, 1, 'the indexes agree with their tables');
is(sql(q{SELECT * FROM verify_heapam('crm_data.points_account') UNION ALL SELECT * FROM verify_heapam('crm_data.points_journal')}), '', 'and the tables with themselves');
is(sql('SELECT crm.points_write_path()'), 'direct', 'postings go below SQL again');
done_testing();
