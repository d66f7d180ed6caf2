#!/usr/bin/perl
# Proves: the sample generator makes the same customers everywhere and in any
# portion; whatever it calls right is right by rules written anew here; what it
# calls wrong breaks the rule named; and its four tables agree.
#
#   prove sample/t
use strict;
use warnings;

use FindBin;
use Test::More;

my $SAMPLE   = "$FindBin::Bin/..";
my $GENERATE = "$SAMPLE/generate";
my $ROWS     = 20_000;

# --- reading ---------------------------------------------------------------

sub generated
{
	my (@options) = @_;
	open my $out, '-|', $^X, $GENERATE, @options or die "cannot run generate: $!";
	binmode $out;
	local $/;
	my $text = <$out>;
	close $out or die "generate @options failed";
	return $text;
}

sub slurped
{
	my ($path) = @_;
	open my $in, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar <$in>;
}

# RFC 4180 read strictly: anything else is an error, not a guess.
sub records
{
	my ($text) = @_;
	my (@records, @fields);
	pos($text) = 0;
	while (pos($text) < length $text)
	{
		$text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\n)/gc
			or die 'no CSV at byte ' . pos($text);
		my ($quoted, $bare, $end) = ($1, $2, $3);
		push @fields, defined $quoted ? $quoted =~ s/""/"/gr : $bare;
		next if $end eq ',';
		push @records, [@fields];
		@fields = ();
	}
	die 'last line is not ended' if @fields;
	return @records;
}

# The rows of a table as hashes by column.
sub table
{
	my ($header, @rows) = records(@_);
	return map {
		my %row;
		die 'a row with ' . @$_ . ' fields' unless @$_ == @$header;
		@row{@$header} = @$_;
		\%row;
	} @rows;
}

# --- the rules, written without the generator's tables ---------------------------

# What people mean by what they typed: half width, no separators, capitals.
sub plain
{
	my ($text) = @_;
	utf8::decode($text) or die 'not UTF-8';
	$text =~ tr/\x{ff10}-\x{ff19}\x{ff21}-\x{ff3a}\x{ff08}\x{ff09}/0-9A-Z()/;
	$text =~ tr/ ()-//d;
	return uc $text;
}

# ISO 7064 MOD 11-2 as a running remainder, not as a table of weights.
sub resident_check_right
{
	my ($number) = @_;
	my $sum = 0;
	$sum = ($sum + $_) * 2 % 11 for split //, substr $number, 0, 17;
	return substr($number, 17) eq ((12 - $sum) % 11 == 10 ? 'X' : (12 - $sum) % 11);
}

sub date_exists
{
	my ($year, $month, $day) = @_;
	return 0 if $month < 1 || $month > 12 || $day < 1;
	my $days = $month == 2 ? ($year % 4 ? 28 : $year % 100 ? 29 : $year % 400 ? 28 : 29)
		: 30 + ($month + ($month > 7)) % 2;
	return $day <= $days;
}

my %REGION = map { (split /\t/)[0] => 1 } grep { /^\d/ } split /\n/, slurped("$SAMPLE/places.tsv");

# '' when the number is right, else the reason that it is not.
sub resident_fault
{
	my $number = plain($_[0]);
	if ($number =~ /^\d{15}$/)
	{
		$number = substr($number, 0, 6) . '19' . substr($number, 6);
		return 'date' unless date_exists(unpack 'x6 a4 a2 a2', $number);
		return $REGION{ substr $number, 0, 6 } ? '' : 'region';
	}
	return 'length' unless length $number == 18;
	return 'character' unless $number =~ /^\d{17}[\dX]$/a;
	return 'check_digit' unless resident_check_right($number);
	return 'region' unless $REGION{ substr $number, 0, 6 };
	return 'date' unless date_exists(unpack 'x6 a4 a2 a2', $number);
	return '';
}

# GB 32100: the characters as digits of base 3, the last counted once, make a
# multiple of 31; within it stands an organization code of GB 11714.
sub uscc_fault
{
	my $code = plain($_[0]);
	my $letters = '0123456789ABCDEFGHJKLMNPQRTUWXY';
	return 'length' unless length $code == 18;
	return 'character' if $code =~ /[^$letters]/;
	my $sum = 0;
	$sum = ($sum * 3 + index $letters, $_) % 31 for reverse split //, substr $code, 0, 17;
	return 'check_digit' if ($sum + index $letters, substr $code, 17) % 31;
	return 'inner' unless organization_right(substr $code, 8, 9);
	return $REGION{ substr $code, 2, 6 } ? '' : 'region';
}

sub organization_right
{
	my ($code) = @_;
	my @weights = (3, 7, 9, 10, 5, 8, 4, 2, 1);
	my $all = join '', 0 .. 9, 'A' .. 'Z';
	my @values = map { index $all, $_ } split //, $code;
	$values[8] = 10 if $code =~ /X$/;
	my $sum = 0;
	$sum += $values[$_] * $weights[$_] for 0 .. 8;
	return $sum % 11 == 0;
}

sub card_fault
{
	my $card = plain($_[0]);
	return 'length' unless $card =~ /^62\d{14}(?:\d{3})?$/a;
	my $sum = 0;
	for my $i (1 .. length $card)
	{
		my $digit = substr $card, -$i, 1;
		$sum += $i % 2 ? $digit : (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[$digit];
	}
	return $sum % 10 ? 'check_digit' : '';
}

sub phone_fault
{
	my ($phone) = @_;
	$phone = plain($phone) =~ s/^(?:\+|00)86//r =~ s/\x{8f6c}\d+$//r;
	return 'character' if $phone =~ /\D/;
	return '' if $phone =~ /^1[35-9]\d{9}$/;
	return '' if $phone =~ /^0?(?:10|[2-9]\d\d?)\d{7,8}$/;
	return $phone =~ /^12\d{9}$/ ? 'prefix' : 'length';
}

sub email_fault
{
	return 'character' if $_[0] =~ / /;
	return $_[0] =~ /^\w+(?:\.\w+)*\@(?:[a-z]+\.)+(?:com|org|net|cn)$/ai ? '' : 'form';
}

sub name_fault
{
	my ($customer) = @_;
	return 'required' if $customer->{name} eq '';
	return 'character' if unreadable($customer->{name});
	return 'character' if $customer->{kind} eq 'individual' && $customer->{name} =~ /\d/;
	return '';
}

sub unreadable
{
	return $_[0] =~ /[\x00-\x1f\x7f]|\xef\xbf\xbd/;
}

my %DIVISION_WORD = map { $_ => 1 } map { (split /\t/)[3] } grep { /^\d/ } split /\n/, slurped("$SAMPLE/places.tsv");

sub address_fault
{
	my ($address) = @_;
	return 'character' if unreadable($address);
	return (grep { index($address, $_) >= 0 } keys %DIVISION_WORD) ? '' : 'division';
}

# What a resident identity number says against the columns beside it.
sub contradictions
{
	my ($customer) = @_;
	my $number = plain($customer->{document_number});
	my $is_old = length $number == 15;
	my $birth = $is_old ? '19' . substr $number, 6, 6 : substr $number, 6, 8;
	my $sex = substr($number, $is_old ? 14 : 16, 1) % 2 ? 'M' : 'F';
	my @found;
	push @found, 'sex:contradiction' if $customer->{sex} ne '' && $customer->{sex} ne $sex;
	push @found, 'birth_date:contradiction'
		if $customer->{birth_date} ne ''
		&& date_exists(split /-/, $customer->{birth_date})
		&& $customer->{birth_date} =~ tr/-//dr ne $birth;
	return @found;
}

my %DOCUMENT_FAULT = (
	''                         => sub { $_[0] eq '' ? '' : 'kind' },
	resident_id                => \&resident_fault,
	uscc                       => \&uscc_fault,
	passport                   => sub { $_[0] =~ /^[EG]\d{8}$/a ? '' : 'form' },
	hk_macau_resident_permit   => sub { $_[0] =~ /^[HM]\d{8}$/a ? '' : 'form' },
	taiwan_resident_permit     => sub { $_[0] =~ /^\d{8}$/a ? '' : 'form' },
);

# All that is wrong with a customer, as the truth table would write it.
sub faults
{
	my ($customer) = @_;
	my $kind = $customer->{kind};
	return 'kind:required' if $kind eq '';
	return 'kind:kind' unless $kind =~ /^(?:individual|organization|group)$/;

	my @found;
	my $add = sub { push @found, "$_[0]:$_[1]" if $_[1] ne '' };
	$add->('name', name_fault($customer));
	my $judge = $DOCUMENT_FAULT{ $customer->{document_kind} };
	my $fault = $judge ? $judge->($customer->{document_number}) : '';
	$add->('document_kind', 'kind') unless $judge;
	$add->('document_number', $fault);
	push @found, contradictions($customer)
		if $customer->{document_kind} eq 'resident_id' && $fault eq '';
	$add->('birth_date', 'date')
		if $customer->{birth_date} ne '' && !date_exists(split /-/, $customer->{birth_date});
	$add->('contact', 'required') if $customer->{kind} ne 'group' && "@$customer{qw(phone email)}" =~ /^ *$/;
	$add->('phone', phone_fault($customer->{phone})) if $customer->{phone} ne '';
	$add->('email', email_fault($customer->{email})) if $customer->{email} ne '';
	$add->('bank_card', card_fault($customer->{bank_card})) if $customer->{bank_card} ne '';
	$add->('address', address_fault($customer->{address})) if $customer->{address} ne '';
	return @found;
}

# --- the tests -----------------------------------------------------------------

sub test_rules
{
	is(resident_fault('11010519491231002X') || 'region', 'region', 'the published identity number passes up to its region');
	is(resident_fault('110105194912310021'), 'check_digit', 'and fails with another check digit');
	is(uscc_fault('91350100M000100Y43') || 'region', 'region', 'the published credit code passes up to its region');
	is(uscc_fault('91350100M000100Y44'), 'check_digit', 'and fails with another check character');
	ok(!date_exists(1900, 2, 29) && date_exists(2000, 2, 29), 'leap years are those of the calendar');
	return;
}

sub test_determinism
{
	for my $table (qw(customers truth purchases interactions))
	{
		my $file = $table eq 'truth' ? 'customers_truth' : $table;
		ok(generated('--rows', 200, '--seed', 1, '--table', $table) eq slurped("$SAMPLE/$file.csv"),
			"$table of seed 1 are, byte by byte, those committed");
	}
	my $whole = generated('--rows', 3000, '--seed', 77);
	my $start = generated('--rows', 1000, '--seed', 77);
	my $rest = generated('--rows', 2000, '--seed', 77, '--start-line', 1001) =~ s/^.*\n//r;
	ok($whole eq $start . $rest, 'portions put together are the whole');
	ok($whole ne generated('--rows', 3000, '--seed', 78), 'another seed makes other customers');
	return;
}

sub test_verdicts
{
	my ($customers, $truth) = @_;
	my @wrong;
	for my $i (0 .. $#$customers)
	{
		my $expected = $truth->[$i]{expected} eq 'rejected' ? $truth->[$i]{reasons} : '';
		my $found = join ';', faults($customers->[$i]);
		push @wrong, "line $customers->[$i]{line}: expected <$expected>, found <$found>" if $found ne $expected;
	}
	is(scalar @wrong, 0, 'each customer is as right or wrong as the truth says') or diag(join "\n", @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ]);
	return;
}

sub test_shares
{
	my ($customers, $truth) = @_;
	my (%expected, %kind, %reason);
	$expected{ $_->{expected} }++ for @$truth;
	$kind{ $_->{kind} }++ for @$customers;
	$reason{$_}++ for map { split /;/ } map { $_->{reasons} } @$truth;

	my $within = sub {
		my ($count, $percent, $what) = @_;
		my $share = 100 * $count / $ROWS;
		ok(abs($share - $percent) < 0.15 * $percent + 0.1, sprintf '%s: %.2f %%, meant %s', $what, $share, $percent);
	};
	is(join(' ', sort keys %expected), 'duplicate ok rejected', 'three verdicts');
	$within->($expected{rejected}, 2, 'rejected');
	$within->($expected{duplicate}, 1.5, 'duplicates');
	$within->($kind{individual}, 88, 'individuals');
	$within->($kind{organization}, 10, 'organizations');
	$within->($kind{group}, 2, 'groups');
	is(join(' ', sort keys %reason), join(' ', sort qw(
		kind:kind kind:required name:required name:character name:same document_kind:kind
		document_number:check_digit document_number:date document_number:region
		document_number:length document_number:character document_number:same
		sex:contradiction birth_date:contradiction birth_date:date contact:required
		phone:prefix phone:length phone:character phone:same email:form email:character
		bank_card:check_digit address:character address:division)),
		'every sort of fault occurs, and no other');
	ok((grep { $_->{reasons} =~ /;.*;/ && $_->{expected} eq 'rejected' } @$truth) > 3, 'some have three faults');
	return;
}

# The number as 18 digits, whatever it was written like.
sub same_number
{
	my ($number) = @_;
	$number = plain($number);
	return $number unless $number =~ /^\d{15}$/;
	return substr($number, 0, 6) . '19' . substr $number, 6;
}

sub is_same
{
	my ($one, $other, $reasons) = @_;
	if ($reasons eq 'document_number:same')
	{
		my ($a, $b) = map { same_number($_->{document_number}) } $one, $other;
		return $one->{document_number} ne $other->{document_number} && index($b, $a) == 0;
	}
	my ($a, $b) = map { plain($_->{phone}) =~ s/^(?:\+|00)86//r } $one, $other;
	return $one->{document_number} eq '' && $one->{name} eq $other->{name} && $a eq $b;
}

sub test_duplicates
{
	my ($customers, $truth) = @_;
	my @bad;
	my $seen = 0;
	for my $row (grep { $_->{expected} eq 'duplicate' } @$truth)
	{
		my $original = $row->{duplicate_of};
		$seen++;
		push @bad, $row->{line} unless $original < $row->{line}
			&& $truth->[ $original - 1 ]{expected} eq 'ok'
			&& is_same($customers->[ $row->{line} - 1 ], $customers->[ $original - 1 ], $row->{reasons});
	}
	ok($seen > 100, "$seen duplicates looked at");
	is("@bad", '', 'each is an earlier customer once more, written in another way');
	is(scalar(grep { $_->{duplicate_of} ne '' && $_->{expected} ne 'duplicate' } @$truth), 0, 'nothing else names an original');
	return;
}

sub test_clean
{
	my ($customers, $truth) = @_;
	my @clean = table(generated('--rows', $ROWS, '--seed', 5, '--clean'));
	is(scalar(grep { faults($_) } @clean), 0, 'with --clean nobody has a fault');
	for my $field (qw(document_number bank_card))
	{
		my %seen;
		my @twice = grep { $seen{ plain($_) }++ } grep { $_ ne '' } map { $_->{$field} } @clean;
		is("@twice", '', "and no $field occurs twice");
	}
	my %phone;
	my @twice = grep { /^1/ && $phone{$_}++ } map { plain($_->{phone}) =~ s/^(?:\+|00)86//r } @clean;
	is("@twice", '', 'nor any mobile number');
	my @changed = grep { $truth->[$_]{expected} eq 'ok' && line_text($clean[$_]) ne line_text($customers->[$_]) } 0 .. $#clean;
	is("@changed", '', 'whoever had no fault without --clean is the same with it');
	like(generated('--rows', 300, '--seed', 5, '--clean', '--table', 'truth'), qr/\A.*\n(?:\d+,ok,,\n){300}\z/, 'the truth of --clean: all right');
	return;
}

# After 500 lines a region has used up its sequence numbers of a day; the same
# ones come again, and then the day must be another.
sub test_far_lines
{
	my $period = 500 * keys %REGION;
	my (%seen, @twice, $region);
	for my $nth (0 .. 9)
	{
		my @far = grep { $_->{document_kind} eq 'resident_id' } table(generated(
			'--rows', 50, '--seed', 5, '--clean', '--start-line', 1 + $nth * $period));
		push @twice, grep { $seen{$_}++ } map { $_->{document_number} } @far;
		$region = substr $far[0]{document_number}, 0, 6;
	}
	ok((grep { /^$region/ } keys %seen) > 5, 'far lines come back to the same region');
	is("@twice", '', 'but never to the same identity number');
	return;
}

sub line_text
{
	my ($row) = @_;
	return join "\0", map { $row->{$_} } sort keys %$row;
}

sub test_activity
{
	my ($customers, $truth) = @_;
	my %taken = map { $customers->[$_]{external_id} => 1 }
		grep { $truth->[$_]{expected} ne 'rejected' } 0 .. $#$customers;
	my @purchases = table(generated('--rows', $ROWS, '--seed', 5, '--table', 'purchases'));
	my @talks = table(generated('--rows', $ROWS, '--seed', 5, '--table', 'interactions'));
	my (%count, %order);
	$count{ $_->{external_id} }++ for @purchases;
	my ($most) = sort { $b <=> $a } values %count;

	ok(@purchases > $ROWS, scalar(@purchases) . ' purchases');
	is(scalar(grep { !$taken{ $_->{external_id} } } @purchases, @talks), 0, 'each row has a customer who was not rejected');
	ok($most <= 20 && $most > 15, "nobody bought more than twenty times (most: $most)");
	is(scalar(grep { $order{ $_->{order_no} }++ } @purchases), 0, 'order numbers do not repeat');
	is(scalar(grep { !date_exists(split /-/, $_->{purchased_on}) || $_->{amount} !~ /^\d+\.\d\d$/
		|| $_->{quantity} < 1 || $_->{currency} !~ /^(?:CNY|USD|HKD)$/ } @purchases), 0, 'days, amounts, quantities and currencies are such');
	is(scalar(grep { $_->{happened_at} !~ /^202[3-5]-\d\d-\d\dT[012]\d:[0-5]\d:[0-5]\d\+08:00$/
		|| $_->{direction} !~ /^(?:in|out)bound$/ || $_->{duration_seconds} !~ /^\d*$/ } @talks), 0, 'times, directions and durations are such');
	return;
}

# The exit status and what went to standard error.
sub refused
{
	my ($command) = @_;
	local $ENV{GENERATE} = $GENERATE;    # whose path may hold a space
	my $text = qx{"$^X" "\$GENERATE" $command};
	return ($? >> 8, $text);
}

sub test_refusals
{
	for my $options ('--rows x', '--rows -1', '--table nothing', '--start-line 0', '--start-line 99999999', '--what', 'file')
	{
		my ($status, $text) = refused("$options 2>&1 >/dev/null");
		ok($status == 2 && $text =~ /^usage:/m, "refused with the usage: $options");
	}
	SKIP:
	{
		skip 'no /dev/full here', 1 unless -c '/dev/full';
		my ($status, $text) = refused('--rows 5 2>&1 >/dev/full');
		ok($status == 1 && $text =~ /cannot write/, 'a full disk is an error, not a short file');
	}
	return;
}

# The reference data is not part of the product; CRM_DATA says where it lies.
sub test_places
{
	my $data = $ENV{CRM_DATA};
	SKIP:
	{
		if (!defined $data || !-e "$data/validate/divisions.csv")
		{
			diag('SKIPPED: places are not compared with the reference list, CRM_DATA is not set');
			skip 'CRM_DATA is not set', 2;
		}
		my %current = map { $_->{code} => $_->{name} } grep { $_->{status} eq 'current' }
			table(slurped("$data/validate/divisions.csv") =~ tr/\r//dr);
		my %place = map { my @f = split /\t/; ($f[0] => $f[3]) } grep { /^\d/ } split /\n/, slurped("$SAMPLE/places.tsv");
		my @wrong = grep { ($current{$_} // '') ne $place{$_} } sort keys %place;
		ok(%place >= 200 && %current > 3000, 'both lists have their length');
		is("@wrong", '', 'every place is a current division of that name');
	}
	return;
}

my $customers_text = generated('--rows', $ROWS, '--seed', 5);
my $as_utf8 = $customers_text;
ok(utf8::decode($as_utf8), 'the customers are valid UTF-8');
my @customers = table($customers_text);
my @truth = table(generated('--rows', $ROWS, '--seed', 5, '--table', 'truth'));
is(scalar @customers, $ROWS, 'as many customers as asked');
is(join(' ', map { $_->{line} } @customers), join(' ', 1 .. $ROWS), 'numbered by line');
is(join(' ', map { $_->{line} } @truth), join(' ', 1 .. $ROWS), 'and so is the truth');
is(scalar(grep { $_->{external_system} ne 'demo' || $_->{external_id} ne sprintf 'D%07d', $_->{line} } @customers), 0, 'external ids follow from the line');
test_rules();
test_determinism();
test_verdicts(\@customers, \@truth);
test_shares(\@customers, \@truth);
test_duplicates(\@customers, \@truth);
test_clean(\@customers, \@truth);
test_far_lines();
test_activity(\@customers, \@truth);
test_refusals();
test_places();
done_testing();
