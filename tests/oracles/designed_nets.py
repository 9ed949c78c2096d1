"""Two Petri nets, written by hand from the text of semantics.md ("Conformance", "Model") for the maps `bpic-loan` and
`bpic-offers` in config/examples/bpic2012. In: nothing. Out: `nets()`: name -> (net, initial marking, end -> final marking).

How the words become places: a stage has `IN` (a visit was made in this pass) and `TO` (the stage was just chosen and its
first visit is owed); an arc is a silent transition from IN to the next TO. A debt is a token in `owed`, which a visit of
the touchpoint moves to `paid`; an arc to a later stage that is no exit reads `paid`. A limit is a token that is used up.
At an end whatever tokens are left are taken away, so that each end has one final marking."""

from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to


class Net:
    def __init__(self, name):
        self.net = PetriNet(name)
        self.places = {}
        self.n = 0
        self.start = {}

    def place(self, name, tokens=0):
        if name not in self.places:
            self.places[name] = PetriNet.Place(name)
            self.net.places.add(self.places[name])
        if tokens:
            self.start[name] = tokens
        return self.places[name]

    def t(self, label, takes, gives):
        """A transition; `label` None: silent."""
        self.n += 1
        transition = PetriNet.Transition(f"t{self.n}", label)
        self.net.transitions.add(transition)
        for place in takes:
            add_arc_from_to(self.place(place), transition, self.net)
        for place in gives:
            add_arc_from_to(transition, self.place(place), self.net)

    def clean(self, ends, leftovers):
        for end in ends:
            for place in leftovers:
                self.t(None, [end, place], [end])

    def done(self, ends):
        initial = Marking({self.place(p): n for p, n in self.start.items()})
        return self.net, initial, {name: Marking({self.place(p): 1}) for name, p in ends.items()}


def pays(n, label, debt, takes, gives):
    """A visit that pays a debt, or comes when it is paid."""
    n.t(label, [*takes, f"owed_{debt}"], [*gives, f"paid_{debt}"])
    n.t(label, [*takes, f"paid_{debt}"], [*gives, f"paid_{debt}"])


def loan():
    n = Net("bpic-loan")
    n.place("TO_submit", 1)
    for debt in ["submitted", "partly", "accepted", "offer"]:
        n.place(f"owed_{debt}", 1)
    n.place("rounds", 2)  # reply -> offer at most twice

    # submit: in order of rank, both required. LAST_1, LAST_2: the touchpoint visited last.
    for before in ["TO_submit", "LAST_1"]:
        pays(n, "a_submitted", "submitted", [before], ["LAST_1"])
    for before in ["TO_submit", "LAST_1", "LAST_2"]:
        pays(n, "a_partlysubmitted", "partly", [before], ["LAST_2"])
    for last in ["LAST_1", "LAST_2"]:
        n.t(None, [last], ["IN_submit"])  # the pass is over
    for later in ["TO_preaccept", "TO_accept"]:
        n.t(None, ["IN_submit", "paid_submitted", "paid_partly"], [later, "paid_submitted", "paid_partly"])
    n.t(None, ["IN_submit"], ["TO_declined"])
    n.t(None, ["IN_submit"], ["TO_cancelled"])

    # preaccept: owes nothing
    for at in ["TO_preaccept", "IN_preaccept"]:
        n.t("a_preaccepted", [at], ["IN_preaccept"])
    for to in ["TO_accept", "TO_declined", "TO_cancelled"]:
        n.t(None, ["IN_preaccept"], [to])

    # accept: any order, a_accepted required
    for at in ["TO_accept", "IN_accept"]:
        pays(n, "a_accepted", "accepted", [at], ["IN_accept"])
        n.t("a_finalized", [at], ["IN_accept"])
    n.t(None, ["IN_accept", "paid_accepted"], ["paid_accepted", "TO_offer", "send_left"])
    n.t(None, ["IN_accept"], ["TO_cancelled"])

    # offer: any order, one of o_created and o_sent, o_sent at most once in one entry
    for at in ["TO_offer", "IN_offer"]:
        n.t("o_selected", [at], ["IN_offer"])
        pays(n, "o_created", "offer", [at], ["IN_offer"])
        pays(n, "o_sent", "offer", [at, "send_left"], ["IN_offer", "send_used"])
    for send in ["send_left", "send_used"]:
        n.t(None, ["IN_offer", send, "paid_offer"], ["TO_reply", "paid_offer"])
        n.t(None, ["IN_offer", send], ["TO_cancelled"])

    # reply: any order, owes nothing; back to offer at most twice
    for at in ["TO_reply", "IN_reply"]:
        for label in ["o_sent_back", "o_cancelled", "o_declined"]:
            n.t(label, [at], ["IN_reply"])
    n.t(None, ["IN_reply", "rounds"], ["TO_offer", "send_left"])
    for to in ["TO_approve", "TO_declined", "TO_cancelled"]:
        n.t(None, ["IN_reply"], [to])

    # approve: the goal decides, whatever came before it in the stage
    for at in ["TO_approve", "IN_approve"]:
        for label in ["o_accepted", "a_approved", "a_registered"]:
            n.t(label, [at], ["IN_approve"])
        n.t("a_activated", [at], ["WON"])
    n.t("a_declined", ["TO_declined"], ["DECLINED"])
    n.t("a_cancelled", ["TO_cancelled"], ["CANCELLED"])
    debts = ["submitted", "partly", "accepted", "offer"]
    ends = {"success a_activated": "WON", "exit declined": "DECLINED", "exit cancelled": "CANCELLED"}
    n.clean(ends.values(), ["rounds", *[f"{how}_{debt}" for debt in debts for how in ["owed", "paid"]]])
    return n.done(ends)


def offers():
    n = Net("bpic-offers")
    n.place("START", 1)
    for debt in ["check", "selected", "sent"]:
        n.place(f"owed_{debt}", 1)
    n.t(None, ["START"], ["TO_begin", "partly_left"])
    n.t(None, ["START"], ["TO_check"])

    # begin: any order, a_partlysubmitted at most once; nothing leads back
    for at in ["TO_begin", "IN_begin"]:
        n.t("a_submitted", [at], ["IN_begin"])
        n.t("a_partlysubmitted", [at, "partly_left"], ["IN_begin", "partly_used"])
    for partly in ["partly_left", "partly_used"]:
        for to in ["TO_check", "TO_lost"]:
            n.t(None, ["IN_begin", partly], [to])

    # check: one of the first two
    for at in ["TO_check", "IN_check"]:
        pays(n, "a_preaccepted", "check", [at], ["IN_check"])
        pays(n, "a_accepted", "check", [at], ["IN_check"])
        n.t("a_finalized", [at], ["IN_check"])
    n.t(None, ["IN_check", "paid_check"], ["TO_offer", "paid_check"])
    n.t(None, ["IN_check"], ["TO_lost"])

    # offer: in order of rank; the first and the last are required, once per journey
    for at in ["TO_offer", "OFFER_1"]:
        pays(n, "o_selected", "selected", [at], ["OFFER_1"])
    for at in ["TO_offer", "OFFER_1", "OFFER_2"]:
        n.t("o_created", [at], ["OFFER_2"])
    for at in ["TO_offer", "OFFER_1", "OFFER_2", "OFFER_3"]:
        pays(n, "o_sent", "sent", [at], ["OFFER_3"])
    for at in ["OFFER_1", "OFFER_2", "OFFER_3"]:
        n.t(None, [at, "paid_selected", "paid_sent"], ["TO_back", "paid_selected", "paid_sent"])
        n.t(None, [at], ["TO_lost"])

    for at in ["TO_back", "IN_back"]:
        for label in ["o_sent_back", "o_cancelled"]:
            n.t(label, [at], ["IN_back"])
    for to in ["TO_offer", "TO_lost", "TO_won"]:
        n.t(None, ["IN_back"], [to])

    # won: the first visit decides; then the run goes on, between won and after, and may end anywhere
    for at in ["TO_won", "IN_won"]:
        for label in ["o_accepted", "a_approved"]:
            n.t(label, [at], ["IN_won"])
    n.t(None, ["IN_won"], ["TO_after"])
    for at in ["TO_after", "IN_after"]:
        for label in ["a_registered", "a_activated"]:
            n.t(label, [at], ["IN_after"])
    n.t(None, ["IN_after"], ["TO_won"])
    for at in ["IN_won", "IN_after"]:
        n.t(None, [at], ["WON"])
    for label in ["a_declined", "a_cancelled", "o_declined"]:
        n.t(label, ["TO_lost"], ["LOST"])
    ends = {"success won": "WON", "exit lost": "LOST"}
    n.clean(ends.values(), [f"{how}_{debt}" for debt in ["check", "selected", "sent"] for how in ["owed", "paid"]])
    return n.done(ends)


def nets():
    return {"bpic-loan": loan(), "bpic-offers": offers()}
