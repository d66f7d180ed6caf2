# Proves: a batch is the same as its operations one by one, also inside triggers, in one
# statement, under savepoints that are rolled back, in prepared transactions and from REPEATABLE
# READ, where postings go another way: the same random operations, in four databases, get the same
# statuses, balances and breakdowns at each step, and leave the same journals and accounts.
# CRM_POINTS_OPERATIONS: how many; CRM_POINTS_SEED: which.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $operations = $ENV{CRM_POINTS_OPERATIONS} // 2000;
my $seed = $ENV{CRM_POINTS_SEED} // 7;
my $node = server('sequence', conf => [ 'max_prepared_transactions = 4', 'fsync = off' ]);
$node->start;
my %status_of = (KH008 => 'insufficient', P0002 => 'not_found', KHP01 => 'over_reversal', KH014 => 'idem_conflict', KH007 => 'already_expired', KHP02 => 'expired',
	KHP03 => 'locked', KHP04 => 'below_min', KHP05 => 'same_account', 22023 => 'bad_amount');
deploy($node, 'batch');
$node->safe_psql('batch', "SELECT crm.define_points_programme('strict', '严格', 'Strict', redeem_min => 3, allow_debt => false)");
$node->safe_psql('batch', <<'SQL');
-- One operation through its own function, a refusal by its name.
CREATE FUNCTION one(o crm.points_op) RETURNS TABLE (request_id text, status text, available bigint, held bigint, debt bigint, breakdown text) LANGUAGE plpgsql AS $$
DECLARE
    a crm.points_answer;
BEGIN
    request_id := o.request_id;
    BEGIN
        a := CASE o.op
            WHEN 'earn' THEN crm.points_earn(o.customer, o.programme, o.request_id, o.amount, o.expires_on, o.class, o.business_date)
            WHEN 'gift' THEN crm.points_gift(o.customer, o.programme, o.request_id, o.amount, o.expires_on, o.class, o.business_date)
            WHEN 'adjust' THEN crm.points_adjust(o.customer, o.programme, o.request_id, o.amount, o.expires_on, o.class, o.business_date)
            WHEN 'redeem' THEN crm.points_redeem(o.customer, o.programme, o.request_id, o.amount, o.business_date)
            WHEN 'freeze' THEN crm.points_freeze(o.customer, o.programme, o.request_id, o.amount, o.business_date)
            WHEN 'unfreeze' THEN crm.points_unfreeze(o.customer, o.programme, o.request_id, o.ref, o.amount, o.business_date)
            WHEN 'capture' THEN crm.points_capture(o.customer, o.programme, o.request_id, o.ref, o.amount, o.business_date)
            WHEN 'transfer' THEN crm.points_transfer(o.customer, o.customer2, o.programme, o.request_id, o.amount, o.business_date)
            WHEN 'lock' THEN crm.points_lock(o.customer, o.programme, o.request_id, o.business_date)
            WHEN 'unlock' THEN crm.points_unlock(o.customer, o.programme, o.request_id, o.business_date)
            ELSE crm.points_reverse(o.customer, o.programme, o.request_id, o.ref, o.amount, o.business_date) END;
        status := a.status; available := a.available; held := a.held; debt := a.debt; breakdown := a.breakdown::text;
    EXCEPTION WHEN OTHERS THEN
        status := SQLSTATE;
    END;
    RETURN NEXT;
END $$;
-- The same inside a trigger: rows of operations come in, answers stand beside them.
CREATE TABLE wanted (n int, o crm.points_op, request_id text, status text, available bigint, held bigint, debt bigint, breakdown text);
CREATE FUNCTION do_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT x.request_id, x.status, x.available, x.held, x.debt, x.breakdown
      INTO NEW.request_id, NEW.status, NEW.available, NEW.held, NEW.debt, NEW.breakdown FROM one(NEW.o) x;
    RETURN NEW;
END $$;
CREATE TRIGGER do_it BEFORE INSERT ON wanted FOR EACH ROW EXECUTE FUNCTION do_it();
SQL
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE batch; ALTER DATABASE $_ SET search_path = public, crm") for qw(single within statement);
$node->safe_psql('postgres', "ALTER DATABASE within SET default_transaction_isolation = 'repeatable read'");

# -- operations at random: any, sensible or not ----------------------------------------------------

my @customer = map { "CUST20260101000$_" } 1 .. 5;
my @kind = (('earn') x 5, ('gift') x 2, ('redeem') x 4, ('reverse_redeem') x 3, ('reverse_earn') x 3, ('freeze') x 4, ('unfreeze') x 3, ('capture') x 3, ('adjust') x 2,
	('transfer') x 3, 'lock', ('unlock') x 2);
my (@all, %credit);
srand $seed;
sub pick { return $_[ int rand @_ ] }
sub day { return sprintf '2026-%02d-%02d', 1 + int($_[0] / 28), 1 + $_[0] % 28 }

sub random_operation
{
	my ($number, $now) = @_;
	return { %{ pick(@all) }, business_date => day($now) } if @all && rand() < 0.05;
	my $op = pick(@kind);
	my %o = (op => $op, business_date => day($now), customer => pick(@customer), programme => rand() < 0.7 ? 'main' : 'strict', request_id => "q$number");
	$o{request_id} = pick(@all)->{request_id} if @all && rand() < 0.02;
	$o{amount} = rand() < 0.04 ? pick(0, -3) : 1 + int rand 25 if $op !~ /lock$/;
	$o{amount} = pick(-1, 1) * (1 + int rand 12) if $op eq 'adjust';
	if ($op =~ /^(?:earn|gift)$/ || ($op eq 'adjust' && $o{amount} > 0)) {
		$o{expires_on} = rand() < 0.2 ? 'infinity' : day($now - 3 + int rand 60);
		$o{class} = pick('gift', 'B') if rand() < 0.3;
	}
	if ($op =~ /^(?:reverse_|unfreeze|capture)/) {
		my $wanted = $op eq 'reverse_redeem' ? 'redeem|capture' : $op eq 'reverse_earn' ? 'earn|gift' : 'freeze';
		my @fit = grep { $_->{op} =~ /^(?:$wanted)$/ } @all[ (@all > 60 ? -60 : -@all) .. -1 ];
		my $ref = @fit && rand() < 0.95 ? pick(@fit) : { request_id => 'nothing', customer => $o{customer}, programme => $o{programme} };
		@o{qw(ref customer programme)} = @$ref{qw(request_id customer programme)};
		delete $o{amount} if rand() < 0.3;
		# The single function looks at what is referred to: a credit is taken back, all else given back.
		$o{op} = 'reverse_redeem' if $op eq 'reverse_earn' && !@fit;
	}
	$o{customer2} = pick(@customer) if $op eq 'transfer';
	push @all, \%o;
	return \%o;
}

sub literal { my ($value) = @_; return defined $value ? "'$value'" : 'NULL' }
sub row { my ($o) = @_; return 'ROW(' . join(', ', map { literal($o->{$_}) } qw(request_id business_date op customer customer2 programme amount expires_on class ref)) . ')::crm.points_op' }

sub answers
{
	my ($db, $sql) = @_;
	my @lines = split /\n/, $node->safe_psql($db, $sql);
	return map { my @f = split /\|/, $_, -1; $f[1] = $status_of{ $f[1] } // $f[1]; $f[1] =~ /^(?:ok|replay)$/ ? join '|', @f : join '|', @f[ 0, 1 ] } @lines;
}

my ($posted, $wrong, $batch, %seen) = (0, 0, 0);
while ($posted < $operations && !$wrong) {
	my @ops = map { random_operation(++$posted, 3 + int(200 * $posted / $operations)) } 1 .. 1 + int rand 40;
	# What does not fit an id that is taken is refused differently by reverse, which looks at its ref first.
	my $rows = join ",\n", map { row($_) } @ops;
	my $values = join ",\n", map { "($_, " . row($ops[$_]) . ')' } 0 .. $#ops;
	my $list = 'request_id, status, available, held, debt, breakdown';
	my @expected = answers('batch', "SELECT $list FROM crm.points_post_batch(ARRAY[$rows])");
	my $end = $batch++ % 3 == 0 ? "PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'" : 'COMMIT';
	my %got = (
		# Each in its own transaction, after one that was undone.
		single => join("\n", map { "BEGIN; SAVEPOINT s; SELECT FROM one($_); ROLLBACK TO s; SELECT $list FROM one($_); $end;" } map { row($_) } @ops),
		# One transaction, in a trigger, in an isolation level in which the postings write by SQL.
		within => "TRUNCATE wanted; BEGIN; INSERT INTO wanted VALUES $values; $end; SELECT $list FROM wanted ORDER BY n",
		# Several postings in one statement.
		statement => "SELECT x.* FROM (VALUES $values) v (n, o), LATERAL one(v.o) x ORDER BY v.n",
	);
	for my $db (sort keys %got) {
		my @got = answers($db, $got{$db});
		for my $i (0 .. $#ops) {
			next if ($got[$i] // '') eq $expected[$i];
			diag("$db: $ops[$i]{op} " . row($ops[$i]) . ": expected $expected[$i], got " . ($got[$i] // 'nothing'));
			$wrong++;
		}
	}
	$seen{ "$ops[$_]{op} " . (split /\|/, $expected[$_])[1] }++ for 0 .. $#ops;
}
is($wrong, 0, "$posted operations are answered alike by batches, alone, in triggers and in one statement (seed $seed)");
is(scalar(grep { / ok$/ } keys %seen), 12, 'every operation succeeded at times') or diag(join ' ', sort keys %seen);
my %status = map { (split)[1] => 1 } keys %seen;
is(scalar keys %status, 12, 'every status was seen') or diag(join ' ', sort keys %status);
my $journal = q{SELECT md5(string_agg(j::text, chr(10) ORDER BY j::text)) FROM (SELECT customer_code, request_id, programme, seq, kind, amount, delta, ref, business_date, expires_on, class,
	counterparty, available, held, debt FROM crm.points_journal) j};
my $accounts = q{SELECT md5(string_agg(a::text, chr(10) ORDER BY a::text)) FROM (SELECT customer_code, programme, seq, state, next_due FROM crm_data.points_account) a};
for my $db (qw(single within statement)) {
	is($node->safe_psql($db, $journal), $node->safe_psql('batch', $journal), "$db: the same journal");
	is($node->safe_psql($db, $accounts), $node->safe_psql('batch', $accounts), "$db: the same accounts");
	is($node->safe_psql($db, 'SELECT * FROM crm.points_audit()'), '', "$db: books in balance");
}
is($node->safe_psql('batch', 'SELECT * FROM crm.points_audit()'), '', 'batch: books in balance');

$node->stop;
done_testing();
