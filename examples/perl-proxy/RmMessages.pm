# The messages of the Report Manager: their syntax (SYN), their tables (CAT-02), and steps 1 to 6 of the
# validation (ERR-03). Nothing here knows of connections or of data.
package RmMessages;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT = qw(strip is_empty members syntax fields judge reply_to);

my ($MARK, $BLANK, $GAP) = (qr/[<>,\x01]/, qr/[ \t\r\n]*+/, qr/[ \t\r\n,\x01]*+/);

# ---- The tables, from the end of this file. A `*` is the name of the pick list.
my (%table, %reply, %pick);
my @messages;
while (<DATA>) {
    my ($names, @cells) = split;
    if (/ -> /) { @messages = map { s/:/ /r } split /,/, $names; @reply{@messages} = ($cells[1]) x @messages; next }
    for my $message (@messages) {
        $pick{$1} = 1 if $message =~ /GPL (.*)/;
        for my $name (map { s/\*/$message =~ s,GPL ,,r/er } split /,/, $names) {
            my %row = (name => $name, parent => $name =~ /(.*)\./ ? $1 : '');
            (@row{qw(max form required missing empty blanks wrong)}, my @values) = map { s/\*/$name/r } @cells;
            push @{ $table{$message} }, { %row, values => \@values };
        }
    }
}
my %same = ('DATA CAT' => 'DATACAT', RPTTMPLID => 'RPTTMPID', PGTXL => 'PGTXT',
    SUBTOTALCOLUMNS => 'SUBTOTCOL', SUBTOTAL_COLUMNS => 'SUBTOTCOL');

# The acronym with which a request is answered, or nothing if it is none of ours.
sub reply_to { my ($name) = @_; return $reply{ $name eq 'GPL' ? 'GPL PL_LANG' : $name } }

# ---- Syntax (SYN).
sub strip { my $turned = reverse $_[0] =~ s/\A$BLANK//r; return scalar reverse $turned =~ s/\A$BLANK//r }    # linear
sub fold { my $name = strip(@_); $name =~ tr/a-z/A-Z/; return $same{$name} // $name }
sub is_empty { return strip($_[0]) =~ /\A(?:<$BLANK>)?\z/ }

# The code of what is no message, else 0 (SYN-10); what stands before the first `<`; the group behind it.
sub syntax {
    my ($octets) = @_;
    my ($depth, $deepest, $unpaired, $end) = (0, 0, 0, 0);
    while ($octets =~ /([<>])/g) {
        if ($1 eq '<') { $deepest = $depth if ++$depth > $deepest }
        elsif (!$depth) { $unpaired = 1 }
        elsif (!--$depth) { $end ||= pos $octets }
    }
    my ($name) = $octets =~ /\A([^<]*)</;
    my $begin = 1 + length($name // '');
    my $code = $deepest > 64 || length $octets > 1 << 20 || $octets =~ tr/<,\x01// > 65_536 ? 6102
        : $unpaired || $depth ? 6612
        : !defined $name || $name =~ /[,=\x01]/ ? 6611
        : substr($octets, $end) !~ /\A[\r\n\0 ]*+(?:\|[\r\n\0 ]*)?\z/ ? 6611 : 0;
    return ($code, strip($name // ''), $code ? '' : substr $octets, $begin, $end - $begin - 1);
}

# What a group holds at its own depth: separators, texts and groups.
sub pieces {
    my ($inner) = @_;
    my ($depth, $from, @pieces) = (0, 0);
    while ($inner =~ /([<>])|([,\x01]|[^<>,\x01]+)/g) {
        if (defined $2) { push @pieces, $2 if !$depth }
        elsif ($1 eq '<') { $from = $-[0] if !$depth++ }
        elsif (!--$depth) { push @pieces, substr $inner, $from, $+[0] - $from }
    }
    return @pieces;
}

# The fields of a group, [KEY, VALUE] each; the first has no key and holds what stands before the others.
# `$names` are those of the message's table and only given directly under it (SYN-04, SYN-05).
sub fields {
    my ($inner, $names) = @_;
    my @fields = ['', ''];
    $inner = reverse reverse($inner) =~ s/\A$GAP//r if !$names;    # empty slots at the end count for nothing
    my ($gap, $fresh, @pieces) = ('', 1, pieces($inner));
    while (@pieces) {
        my $piece = shift @pieces;
        my $next = substr $pieces[0] // ',', 0, 1;
        if ($piece =~ /\A[,\x01]\z/) {
            $fields[-1][1] .= $gap;
            ($gap, $fresh) = ($piece, 1);
            $fields[0][1] .= $piece if @fields == 1;    # an empty slot before the first field
            next;
        }
        my $name = $names && $fresh ? fold($piece) : '';
        my $bare = $names && ($next eq '<' ? $names->{$name} : $names->{lists} && $pick{$name});
        if ($piece =~ /\A([^<=]+)=(.*)\z/s) { push @fields, [fold($1), $2] }
        elsif ($bare) { push @fields, [$name, ''] }
        else { $fields[-1][1] .= (@fields > 1 ? $gap : '') . $piece }
        ($gap, $fresh) = ('', 0);
    }
    $fields[-1][1] .= $gap if $names && @fields > 1;
    return @fields;
}

# The members of a list (SYN-13), or nothing if it is none.
sub members {
    my $inner = $_[0] =~ /\A<([^<>]*)>$GAP\z/ ? $1 : $_[0];
    my @members = map { strip($_) } split /[~,\x01]/, $inner;
    pop @members while @members && $members[-1] eq '';
    return $inner =~ /[<>]/ || grep({ $_ eq '' } @members) ? undef : \@members;
}

# ---- Validation (ERR-03): each step over the whole message, in the order of its table.
my %holds = (    # of the values by name and the facts
    yes => sub { 1 }, no => sub { 0 },
    adhoc => sub { $_[0]{SCHEDULE} =~ /\AA$BLANK(?:<|\z)/ },
    picked => sub { $_[0]{SCHEDTYPE} eq 'A' },
    subtotals => sub { $_[0]{TOTALMODE} =~ /\A[13]\z/ },
    tvs => sub { $_[1]{server} eq 'TVS' },
    billed => sub { $_[1]{server} eq 'ODS' || $_[1]{server} eq 'TVS' && $_[1]{io} =~ /[OB]/ },
    undescribed => sub { $_[1]{description} eq 'no' },
);
sub all_match { my ($list, $pattern) = @_; return $list && !grep { !/\A$pattern\z/ } @$list }
my $PAIR = qr/<[^<>,\x01]*+(?:[,\x01][^<>,\x01]*+(?:[,\x01]$BLANK)*+)?>/;
my %form = (
    text => sub { $_[0] !~ $MARK }, free => sub { $_[0] !~ /[<>\x01]/ }, any => sub { 1 },
    digits => sub { $_[0] =~ /\A[0-9]+\z/ }, id => sub { $_[0] =~ /\A[0-9]+\z/ },
    number => sub { $_[0] =~ /\A[0-9]{1,3}\z/ && $_[0] >= 1 && $_[0] <= 400 },
    mmss => sub { $_[0] =~ /\A[0-9]{1,4}\z/ && $_[0] % 100 <= 59 && $_[0] >= 1 && $_[0] <= 5959 },
    stamp => sub {
        my ($year, $month, $day, $hour, $minute) = $_[0] =~ /\A([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})\z/
            or return;
        my $leap = $year % 4 == 0 && ($year % 100 || $year % 400 == 0);
        my $last = $month == 2 ? 28 + $leap : 30 + ($month + int($month / 8)) % 2;
        return $year >= 1 && $month >= 1 && $month <= 12 && $day >= 1 && $day <= $last && $hour < 24 && $minute < 60;
    },
    entpid => sub { length $_[0] == 8 && $_[0] !~ $MARK },
    list => sub { members(@_) },
    columns => sub { all_match(members(@_), qr/[0-9]+/) },
    sort => sub { all_match(members(@_), qr/[0-9]+[AD]/) },
    group => sub { my ($first, @more) = pieces($_[0]); return $first =~ /\A</ && "@more" =~ /\A$GAP\z/ },
    headed => sub { my (undef, @more) = pieces($_[0]); return "@more" =~ /\A(?:<.*>)?$GAP\z/s && 2 > grep { /\A</ } @more },
    hierarchy => sub { $_[0] =~ /\A$GAP(?:[^<>,\x01]*+<$BLANK(?:$PAIR$GAP)+>$GAP)+\z/ },
);

# Whether a value is wrong in the sense of step 6: its code, or 0.
sub wrong {
    my ($row, $value, $facts) = @_;
    my $form = $row->{form};
    return 0 if is_empty($value) || $form eq 'any';
    return 6107 if $form eq 'id' && $value =~ /\A0*([1-9][0-9]{9,})\z/ && $1 > 2_147_483_647;
    return $row->{wrong} if !$form{$form}->($value);
    my $size = $form =~ /list|columns|sort/ ? length join ',', @{ members($value) } : length $value;
    my $word = $form eq 'headed' ? strip($value =~ s/<.*//sr) : $value;
    my @allowed = $row->{name} eq 'TIMEZONE' ? split(/ /, $facts->{timezones}) : @{ $row->{values} };
    return $row->{wrong} if $row->{max} ne '-' && $size > $row->{max} || @allowed && !grep { $_ eq $word } @allowed;
    while ($row->{name} eq 'BILLING' && $value =~ /<$BLANK<([^<>,\x01]*)/g) { return 6103 if strip($1) =~ /\A(?:NA)?\z/ }
    return 0;
}

# The code of the first of the steps 3 to 6 that fails, or 0, the values by name and the pick list.
# `$facts_of` tells the facts of an STDRPTID and a PRODUCT that a condition may ask for, each '' if it is not known.
sub judge {
    my ($message, $inner, $facts_of) = @_;
    my @tables = grep { /\A\Q$message\E(?: |\z)/ } keys %table;
    my %names = (lists => $message eq 'GPL', map { $_->{name} => 1 } map { @{ $table{$_} } } @tables);
    my ($lead, @fields) = fields($inner, \%names);
    return 6610 if $lead->[1] =~ /[^ \t\r\n]/;
    my ($list) = $names{lists} ? grep { $pick{$_} } map { $_->[0] } @fields : '';
    @tables = "GPL $list" if $list;
    my @rows = map { @{ $table{$_} } } @tables;
    my %row = map { $_->{name} => $_ } @rows;

    my (%scopes, %ragged);    # for each parent its groups: the values by name; text before the first member
    for my $field (@fields) {    # step 3
        my ($key, $value) = @$field;
        return 6610 if !$row{$key} || $row{$key}{parent};
        push @{ $scopes{''}[0]{$key} }, $value;
        my @groups = $row{$key}{form} =~ /group|headed/ && !is_empty($value) ? grep { /\A</ } pieces($value) : ();
        my $nested = @groups ? '' : $value;
        for my $group (@groups) {
            my ($before, @members) = fields(substr $group, 1, -1);
            $ragged{$key} ||= $before->[1] !~ /\A$GAP\z/;
            push @{ $scopes{$key} }, \my %scope;
            for my $member (@members) {
                return 6610 if !$row{"$key.$member->[0]"};
                push @{ $scope{"$key.$member->[0]"} }, $member->[1];
            }
            $nested .= join '', $before->[1], map { $_->[1] } @members;
        }
        $scopes{$key} //= [{}] if $row{$key}{form} eq 'headed';
        while ($nested =~ /$MARK([^<>,\x01=]+)=/g) {    # the other ARD's TIMEZONE is wrong at step 6
            return 6610 if $key ne 'TIMEZONE' || fold($1) !~ /\A(?:LABEL|OFFSET)\z/;
        }
    }
    return 6701 if $names{lists} && !$list;

    my %value;
    for my $name (keys %row) {
        my ($first) = map { @{ $_->{$name} // [] } } @{ $scopes{ $row{$name}{parent} } // [] };
        $value{$name} = is_empty($first // '') ? '' : strip($first);
    }
    my $facts = $facts_of->($value{STDRPTID} // '', $value{PRODUCT} // '');
    my %asked = map { $_->{name} => scalar $holds{ $_->{required} =~ s/.*://r }->(\%value, $facts) } @rows;
    my $each = sub {    # calls for each row in each of the groups that it may stand in, until there is a code
        my ($judge) = @_;
        for my $row (@rows) {
            for my $scope ($row->{parent} ? @{ $scopes{ $row->{parent} } // [] } : $scopes{''}[0] // {}) {
                my $code = $judge->($row, $scope, @{ $scope->{ $row->{name} } // [] });
                return $code if $code;
            }
        }
        return 0;
    };
    my $code = $each->(sub {    # step 4
        my ($row, $scope, @values) = @_;
        my $other = $row->{name} =~ /(.*\.)(START|END)\z/ ? $1 . ($2 eq 'END' ? 'START' : 'END') : 'none';
        return $asked{ $row->{name} } && (!@values || @values < @{ $scope->{$other} // [] }) ? $row->{missing} : 0;
    }) || $each->(sub {    # step 5
        my ($row, undef, @values) = @_;
        my ($bare) = grep { is_empty($_) } @values;
        return 0 if !defined $bare || $row->{empty} eq '-' || !$asked{ $row->{name} }
            && ($row->{required} =~ /\Aonly/ || $row->{empty} == 6702);
        return $row->{blanks} ne '-' && $bare =~ /\A[ \t\r\n]+\z/ ? $row->{blanks} : $row->{empty};
    }) || $each->(sub {    # step 6; a parameter given twice is let through here: README.md
        my ($row, undef, @values) = @_;
        return 6103 if $ragged{ $row->{name} };
        for my $value (@values) { my $code = wrong($row, strip($value), $facts); return $code if $code }
        return 0;
    });
    return $code if $code;
    if ($message eq 'ARD') {    # behind the lines
        my $adhoc = $holds{adhoc}->(\%value);
        return 6103 if $value{SCHEDULE} ne '' && ($value{SCHEDTYPE} eq 'A') != !!$adhoc
            || $value{SCHEDULE} =~ /\AH/ && $facts->{datacat} eq 'P';
        @value{qw(START END)} = map { my $name = "SCHEDULE.$_"; join ' ', map { strip($_) }
            map { @{ $_->{$name} // [] } } @{ $scopes{SCHEDULE} } } qw(START END);
        my @starts = split / /, $value{START};
        my @ends = split / /, $value{END};
        my @order = $adhoc ? sort { $starts[$a] cmp $starts[$b] } 0 .. $#starts : ();
        my @turns = map { ($starts[$_], $ends[$_]) } @order;    # an END behind its START, no START before the last END
        return 6103 if grep { $_ % 2 ? $turns[$_] le $turns[$_ - 1] : $_ && $turns[$_] lt $turns[$_ - 1] } 0 .. $#turns;
    }
    return (0, \%value, $list);
}

1;

# MESSAGES -> REPLY, then the parameters in the order of the catalogue: names, length, form, required, the
# codes for missing, empty, blanks and wrong, acceptable values. `-` is none, `*` the name of the pick list.
__DATA__
GRTL -> SRTL
PRODUCT   1 text yes 6827 6828 - 6103 V C S T H
DATATYPE  1 text yes 6809 6810 - 6103 R D A
DATACAT   1 text yes 6807 6808 - 6103 P U
IO        1 text yes 6701 6703 - 6103 I O B
GRTD -> SRTD
REPORTID 10 id   yes 6829 6830 - 6103
GURD -> SURD
REPORTID 10 id   yes 6829 6830 - 6103
GURL -> SURL
USERID   20 text yes 6839 6840 - 6103
RPTTMPID 10 id   yes 6831 6832 - 6103
ENTPID    8 entpid yes 6815 6816 6113 6706
PRODUCT   1 text yes 6827 6828 - 6103 V C S T H
DATACAT   1 text yes 6807 6808 - 6103 P U
ARD -> ARDA
USERID     20 text yes 6839 6840 - 6103
ENTPID      8 entpid yes 6815 6816 6113 6706
STDRPTID   10 id   yes 6835 6836 - 6103
NAME      100 free yes 6823 6824 6113 6103
PRODUCT     1 text yes 6827 6828 - 6103 V C S T H
CATEGORY    - free yes 6803 6804 6704 6103
THRESHOLD   - group no - - - 6103
THRESHOLD.RECCOUNT 4 digits yes 6114 6703 - 6103
THRESHOLD.RANKING,THRESHOLD.ANI 3 number no - - - 6103
THRESHOLD.DURATION 4 mmss no - - - 6103
SCHEDULE    - headed no - - - 6103 A H D W M
SCHEDULE.START 12 stamp only:adhoc 6602 6602 - 6103
SCHEDULE.END   12 stamp only:adhoc 6603 6603 - 6103
RANGETYPE   1 text only:picked 6705 6705 - 6103 1 0
SCHEDTYPE   1 text yes 6833 6834 - 6103 A R
TIMEZONE    3 text yes 6701 6703 - 6103
NDIALED     - list only:tvs 6601 6601 - 6103
BILLING     - hierarchy when:billed 6701 6702 - 6103
CARDNO,IDAC - list no - - - 6103
GEO         - hierarchy no - - - 6103
IACCESS,OACCESS,IDISTRANGE,IUSAGE,ODISTRANGE,OUSAGE - list no - - - 6103
SORTBY      - sort no - - - 6103
DESCRIPTION - free when:undescribed 6811 6812 - 6103
COLUMNS     - columns no - - - 6103
ACTIVE      1 text no - 6802 - 6103 0 1
DURRANGE    - list no - - - 6103
TOTALMODE   1 text no - - - 6103 0 1 2 3
SUBTOTCOL  20 columns when:subtotals 6701 6702 - 6103
MMADDR     75 text no - - - 6103
MMTEXT    500 free no - - - 6103
PGT        15 text no - - - 6103
PGPIN       8 text no - - - 6103
PGTXT     240 free no - - - 6103
EMAIL       1 text yes 6813 6814 - 6103 0 1
PAGE        1 text yes 6825 6826 - 6103 0 1
LANG,CURR   4 text no - - - 6103
DRD -> DRDA
USERID    20 text yes 6839 6840 - 6103
USERRPTID 10 id   yes 6841 6842 - 6103
CRD -> CRDA
USERRPTID 10 id   yes 6841 6842 - 6103
NAME      50 free yes 6823 6824 6113 6103
URS -> URSA
USERRPTID 10 id   yes 6841 6842 - 6103
ACTIVE     1 text yes 6801 6802 - 6103 0 1
GPL:PL_ACCESS,GPL:PL_RANGE,GPL:PL_USAGE -> GPLA
*          - text yes 6701 - - 6103 *
IO         1 text yes 6701 6703 - 6103 I O
PRODUCT    1 text yes 6827 6828 - 6103 V C S T H
DATACAT    1 text yes 6807 6808 - 6103 U P B
ERROR      4 any  no - - - -
GPL:PL_FIELDS -> GPLA
*          - text yes 6701 - - 6103 *
RPTTMPID  10 id   yes 6831 6832 - 6103
ERROR      4 any  no - - - -
GPL:PL_HIER,GPL:PL_GEO -> GPLA
*          - text yes 6701 - - 6103 *
USERRPTID 10 id   yes 6841 6842 - 6103
ERROR      4 any  no - - - -
GPL:PL_DURATION,GPL:PL_TIMEZONE,GPL:PL_LANG,GPL:PL_CURR -> GPLA
*          - text yes 6701 - - 6103 *
ERROR      4 any  no - - - -
