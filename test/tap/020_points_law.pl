# Proves: whatever is posted, in whatever order, statuses, balances and lots are those of a
# slow model that keeps every single point as a thing of its own, written from the law's
# text alone; the same by batches and by single calls, below SQL and through it, with expiry
# runs in between or not; and the audit finds nothing at the end.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $operations = $ENV{CRM_POINTS_OPERATIONS} // 10000;
my $seed = $ENV{CRM_POINTS_SEED} // 4;
my @day = map { sprintf '2026-%02d-%02d', 1 + int($_ / 28), 1 + $_ % 28 } 0 .. 335;

# -- the model: an account is a heap of single points ---------------------------------------

my (%rule, %account, %request);
%rule = (main => { min => 0, debt => 1, open => 1 }, strict => { min => 3, debt => 0, open => 0 });

sub account { $account{ $_[0] }{ $_[1] } //= { points => [], hold => {}, debt => 0, locked => 0, opened => 0 } }

# In order of use: by last day, never last, then by class.
sub in_order { return sort { $a->{last} cmp $b->{last} || $a->{class} cmp $b->{class} } @_ }
sub usable { my ($a, $date) = @_; return in_order(grep { $_->{last} ge $date } @{ $a->{points} }) }

# Points come in: each pays one of a debt, or stays.
sub come
{
	my ($a, $date, @points) = @_;
	for my $point (in_order(@points)) {
		if ($a->{debt} > 0) { $a->{debt}-- }
		elsif ($point->{last} ge $date) { push @{ $a->{points} }, $point }
	}
}

sub leave
{
	my ($a, @points) = @_;
	my %gone = map { $_ => 1 } @points;
	$a->{points} = [ grep { !$gone{$_} } @{ $a->{points} } ];
}

sub points { my ($n, $last, $class) = @_; return map { { last => $last, class => $class } } 1 .. $n }

sub content { my ($op) = @_; return join '|', map { $op->{$_} // '-' } qw(op programme customer2 amount expires_on class ref) }

sub decide
{
	my ($op) = @_;
	my ($kind, $date, $n) = @$op{qw(op date amount)};
	my $rule = $rule{ $op->{programme} };
	my $first = $request{ $op->{customer} }{ $op->{request_id} };
	return $first->{content} eq content($op) ? 'replay' : 'idem_conflict' if $first;

	my $a = account($op->{customer}, $op->{programme});
	my $credit = $kind eq 'earn' || $kind eq 'gift' || ($kind eq 'adjust' && ($n // 0) > 0);
	my $other = $kind eq 'transfer' ? account($op->{customer2}, $op->{programme}) : undef;
	return 'same_account' if $other && $op->{customer} eq $op->{customer2};
	return 'not_found' if $credit && !$a->{opened} && !$rule->{open};
	return 'not_found' if $other && !$other->{opened} && !$rule->{open};

	my $needs_ref = $kind =~ /^(?:reverse_|unfreeze|capture)/;
	return 'bad_amount' if $kind !~ /lock$/ && !($needs_ref && !defined $n) && (!defined $n || ($kind eq 'adjust' ? $n == 0 : $n <= 0));

	my $ref;
	if ($needs_ref) {
		$ref = $request{ $op->{customer} }{ $op->{ref} };
		my $wanted = $kind eq 'reverse_redeem' ? 'taken' : $kind eq 'reverse_earn' ? 'given' : 'held';
		return 'not_found' if !$ref || $ref->{programme} ne $op->{programme} || !exists $ref->{$wanted};
	}
	return 'locked' if $a->{locked} && $kind =~ /^(?:redeem|freeze|transfer)$/;
	return 'below_min' if $kind eq 'redeem' && $n < $rule->{min};
	if ($needs_ref) {
		my $left = $kind eq 'reverse_redeem' ? @{ $ref->{taken} } : $kind eq 'reverse_earn' ? $ref->{given} : @{ $ref->{held} };
		$n //= $left;
		return 'over_reversal' if $n > $left || $left == 0;
	}
	return 'already_expired' if $credit && $op->{expires_on} lt $date;
	return 'expired' if $kind eq 'reverse_earn' && $ref->{last} lt $date;

	my @usable = usable($a, $date);
	my $asked = $kind eq 'adjust' && $n < 0 ? -$n : $n;
	return 'insufficient' if ($kind =~ /^(?:redeem|freeze|transfer)$/ || ($kind eq 'adjust' && $n < 0)) && @usable < $asked;
	return 'insufficient' if $kind eq 'reverse_earn' && !$rule->{debt} && @usable < $n;

	# It happens.
	my $done = $request{ $op->{customer} }{ $op->{request_id} } = { content => content($op), programme => $op->{programme} };
	$a->{opened} = 1;
	$a->{points} = \@usable;
	if ($credit) {
		come($a, $date, points($n, $op->{expires_on}, $op->{class} // ''));
		@$done{qw(given last class)} = ($n, $op->{expires_on}, $op->{class} // '');
	} elsif ($kind eq 'redeem' || $kind eq 'adjust') {
		my @taken = @usable[ 0 .. $asked - 1 ];
		leave($a, @taken);
		$done->{taken} = \@taken if $kind eq 'redeem';
	} elsif ($kind eq 'transfer') {
		my @moved = @usable[ 0 .. $n - 1 ];
		leave($a, @moved);
		$other->{opened} = 1;
		$other->{points} = [ usable($other, $date) ];
		come($other, $date, map { {%$_} } @moved);
	} elsif ($kind eq 'freeze') {
		my @held = @usable[ 0 .. $n - 1 ];
		leave($a, @held);
		$done->{held} = $a->{hold}{ $op->{request_id} } = \@held;
	} elsif ($kind eq 'capture') {
		$done->{taken} = [ splice @{ $ref->{held} }, 0, $n ];
	} elsif ($kind eq 'unfreeze') {
		come($a, $date, splice @{ $ref->{held} }, @{ $ref->{held} } - $n, $n);
	} elsif ($kind eq 'reverse_redeem') {
		come($a, $date, splice @{ $ref->{taken} }, @{ $ref->{taken} } - $n, $n);
	} elsif ($kind eq 'reverse_earn') {
		$ref->{given} -= $n;
		my @own  = grep { $_->{last} eq $ref->{last} && $_->{class} eq $ref->{class} } @usable;
		my @rest = grep { !($_->{last} eq $ref->{last} && $_->{class} eq $ref->{class}) } @usable;
		my @gone = grep { defined } (@own, @rest)[ 0 .. $n - 1 ];
		leave($a, @gone);
		$a->{debt} += $n - @gone;
	} else {
		$a->{locked} = $kind eq 'lock' ? 1 : 0;
	}
	return 'ok';
}

sub held { my ($a) = @_; my $n = 0; $n += @$_ for values %{ $a->{hold} }; return $n }

sub lots
{
	my ($a, $date) = @_;
	my %lot;
	$lot{"0|$_->{last}|$_->{class}"}++ for usable($a, $date);
	for my $hold (values %{ $a->{hold} }) { $lot{"1|$_->{last}|$_->{class}"}++ for @$hold }
	$lot{'0|-infinity|'} = -$a->{debt} if $a->{debt};
	return join ' ', sort map { "$_|$lot{$_}" } keys %lot;
}

# -- operations at random --------------------------------------------------------------------

my @customer = map { "CUST20260101000$_" } 1 .. 6;
my @kind = (('earn') x 6, ('gift') x 2, ('redeem') x 5, ('reverse_redeem') x 3, ('reverse_earn') x 3, ('freeze') x 4, ('unfreeze') x 3,
	('capture') x 3, ('adjust') x 2, ('transfer') x 3, 'lock', ('unlock') x 2);
my (@ids, %last_op);
my $now = 0;

sub pick { return $_[ int rand @_ ] }

sub random_operation
{
	my ($number) = @_;
	return { %{ $last_op{ pick(sort keys %last_op) } }, date => $day[$now] } if %last_op && rand() < 0.04;    # the same again
	my $kind = pick(@kind);
	my %op = (op => $kind, date => $day[$now], customer => pick(@customer), programme => rand() < 0.8 ? 'main' : 'strict', request_id => "q$number");
	$op{amount} = rand() < 0.03 ? pick(0, -3) : 1 + int rand 25 unless $kind =~ /lock$/;
	$op{amount} = pick(-1, 1) * (1 + int rand 12) if $kind eq 'adjust' && rand() < 0.95;
	$op{request_id} = pick(@ids) if @ids && rand() < 0.01;                                      # another under its name
	if ($kind =~ /^(?:earn|gift|adjust)$/) {
		$op{expires_on} = rand() < 0.15 ? 'infinity' : $day[ int(rand 40) + ($now > 3 ? $now - 3 : 0) > 335 ? 335 : int(rand 40) + ($now > 3 ? $now - 3 : 0) ] // $day[335];
		$op{class} = pick('gift', 'B') if rand() < 0.3;
		if ($kind eq 'adjust' && $op{amount} <= 0) { delete @op{qw(expires_on class)} }
	}
	if ($kind =~ /^(?:reverse_|unfreeze|capture)/) {
		$op{ref} = @ids && rand() < 0.97 ? $ids[ -1 - int rand(@ids > 60 ? 60 : scalar @ids) ] : 'nothing';
		my $wanted = $kind eq 'reverse_redeem' ? 'redeem|capture' : $kind eq 'reverse_earn' ? 'earn|gift|adjust' : 'freeze';
		my @fit = grep { $last_op{$_} && $last_op{$_}{op} =~ /^(?:$wanted)$/ } @ids[ (@ids > 80 ? -80 : -@ids) .. -1 ];
		if (@fit && rand() < 0.9) { $op{ref} = pick(@fit); @op{qw(customer programme)} = @{ $last_op{ $op{ref} } }{qw(customer programme)} }
		delete $op{amount} if rand() < 0.3;
	}
	$op{customer2} = pick(@customer) if $kind eq 'transfer';
	push @ids, $op{request_id};
	return $last_op{ $op{request_id} } = \%op;
}

sub literal { my ($value) = @_; return defined $value ? "'$value'" : 'NULL' }

sub row
{
	my ($op) = @_;
	return 'ROW(' . join(', ', map { literal($op->{$_}) } qw(request_id date op customer customer2 programme amount expires_on class ref)) . ')::crm.points_op';
}

my $node = server('law');
$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', "SELECT crm.define_points_programme('strict', '严格', 'Strict', redeem_min => 3, allow_debt => false, auto_open => false)");

srand $seed;
my ($wrong, %seen, $posted) = (0);
while (($posted // 0) < $operations && !$wrong) {
	my $size = rand() < 0.3 ? 1 : 1 + int rand 60;
	my (@ops, @expected);
	for (1 .. $size) {
		my $op = random_operation(++$posted);
		# Accounts of the strict programme are opened by hand, as an unlock does.
		my $status = decide($op);
		my $a = account(@$op{qw(customer programme)});
		push @ops, $op;
		push @expected, $status =~ /^(?:replay|idem_conflict)$/ ? "$op->{request_id}|$status" :
		  join '|', $op->{request_id}, $status, scalar(my @usable = usable($a, $op->{date})), held($a), $a->{debt};
		$seen{"$op->{op} $status"}++;
		$now++ if rand() < 0.01 && $now < 330;
	}
	my $sql = 'SELECT request_id, status, available, held, debt FROM crm.points_post_batch(ARRAY[' . join(",\n", map { row($_) } @ops) . '])';
	# No later than the first operation: what has expired is gone for whoever comes with an earlier day.
	my ($first) = sort map { $_->{date} } @ops;
	$sql = "CALL crm.points_expire_due('$first'); $sql" if rand() < 0.1;
	# Both ways to the tables, on the same accounts.
	$sql = "SET crm.points_write_path = sql; $sql" if @ops % 3 == 0;
	my @got = split /\n/, $node->safe_psql('crm', $sql);
	for my $i (0 .. $#ops) {
		my $got = $expected[$i] =~ /replay|idem/ ? join '|', (split /\|/, $got[$i] // '')[ 0, 1 ] : $got[$i] // '';
		next if $got eq $expected[$i];
		diag("operation @{[ content($ops[$i]) ]} on $ops[$i]{date}: expected $expected[$i], got $got");
		$wrong++;
	}
	last if $wrong;
	next if @ops > 1 && rand() > 0.1;
	# Lots, all holds of an account taken together.
	my $lots = $node->safe_psql('crm', <<"LOTS");
SELECT a.customer_code, a.programme, coalesce(string_agg(l.text, ' ' ORDER BY l.text COLLATE "C"), '') FROM crm_data.points_account a
  LEFT JOIN LATERAL (SELECT format('%s|%s|%s|%s', (l.hold > 0)::int, l.expires_on, l.class, sum(l.amount)) AS text FROM crm.lots(a.state) l
                      WHERE l.hold > 0 OR l.expires_on >= '$day[$now]' OR l.amount < 0 GROUP BY (l.hold > 0)::int, l.expires_on, l.class) l ON true
 GROUP BY 1, 2
LOTS
	for my $line (split /\n/, $lots) {
		my ($customer, $programme, $got) = split /\|/, $line, 3;
		my $expected = lots(account($customer, $programme), $day[$now]);
		next if $got eq $expected;
		diag("$customer $programme: expected $expected, got $got");
		$wrong++;
	}
}
is($wrong, 0, "$posted operations have the model's statuses, balances and lots (seed $seed)");
my @kinds = map { (split)[0] } grep { / ok$/ } keys %seen;
is(scalar @kinds, 12, 'every operation succeeded at times');
my %status = map { (split)[1] => 1 } keys %seen;
is(scalar keys %status, 12, 'every status was seen') or diag(join ' ', sort keys %status);
note(join "\n", map { "$_: $seen{$_}" } sort keys %seen);

$node->stop;
done_testing();
