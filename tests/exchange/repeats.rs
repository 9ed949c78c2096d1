//! What a drawing or a plan of another tool repeats, or puts into several places: taken where a map has a word for it, else
//! refused by name.

use tropa::exchange::{bpmn, bpmn_read, cjml_read};
use tropa::map::{self, DesignedMap};

/// `inside` stands where the order is filled in, `flows` behind the other flows.
fn drawn(inside: &str, flows: &str) -> String {
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="order">
  <startEvent id="s"/>
  {inside}
  <task id="pay" name="Pay"/>
  <endEvent id="done"/>
  <sequenceFlow id="f1" sourceRef="s" targetRef="fill"/>
  <sequenceFlow id="f4" sourceRef="pay" targetRef="done"/>
  {flows}
 </process></definitions>"#
    )
}

fn read(text: &str) -> DesignedMap {
    let draft = bpmn_read::read("x.bpmn", text).unwrap_or_else(|f| panic!("{f}"));
    let made = draft.finish("x").unwrap_or_else(|f| panic!("{f}"));
    map::parse("x", &made).unwrap_or_else(|f| panic!("{f}\n{made}"))
}

fn pairs(map: &DesignedMap) -> Vec<(&str, &str)> {
    let id = |s: u16| &*map.stages[usize::from(s)].id;
    map::arcs::arcs(map).into_iter().map(|(from, to)| (id(from), id(to))).collect()
}

const ONWARD: &str = r#"<sequenceFlow id="f2" sourceRef="fill" targetRef="pay"/>"#;

#[test]
fn a_task_that_a_flow_leads_back_to_may_repeat_as_any_touchpoint_does() {
    let plain = read(&drawn(r#"<task id="fill" name="Fill"/>"#, ONWARD));
    let back = r#"<sequenceFlow id="again" sourceRef="fill" targetRef="fill"/>"#;
    let direct = read(&drawn(r#"<task id="fill" name="Fill"/>"#, &format!("{ONWARD}{back}")));
    let through = read(&drawn(
        r#"<task id="fill" name="Fill"/><exclusiveGateway id="ok"/>"#,
        r#"<sequenceFlow id="f2" sourceRef="fill" targetRef="ok"/>
           <sequenceFlow id="f3" sourceRef="ok" targetRef="pay"/>
           <sequenceFlow id="again" sourceRef="ok" targetRef="fill"/>"#,
    ));
    for map in [&plain, &direct, &through] {
        assert_eq!(pairs(map), [("fill", "pay")]);
        assert_eq!(map.touchpoints[0].max_repeats, None, "as often as people like");
    }
    let looped = r#"<task id="fill" name="Fill"><standardLoopCharacteristics loopMaximum="3"/></task>"#;
    assert_eq!(read(&drawn(looped, ONWARD)).touchpoints[0].max_repeats, Some(3));
    let endless = r#"<task id="fill" name="Fill"><standardLoopCharacteristics/></task>"#;
    assert_eq!(read(&drawn(endless, ONWARD)).touchpoints[0].max_repeats, None);
}

#[test]
fn a_loop_drawn_around_what_our_export_let_happen_once_lets_it_happen_again() {
    let once = map::parse(
        "m",
        "{ schema: journey/v1, id: m, version: 1, stages: [{ id: A }, { id: Won, role: success }],
           touchpoints: [{ id: a, stage: A, max_repeats: 1 }, { id: won, stage: Won }] }",
    )
    .unwrap_or_else(|f| panic!("{f}"));
    let text = bpmn::bpmn(&once, "en");
    let again = text.replacen(
        "<bpmn:sequenceFlow ",
        r#"<bpmn:sequenceFlow id="again" sourceRef="stage_0" targetRef="stage_0"/><bpmn:sequenceFlow "#,
        1,
    );
    assert_eq!(read(&text).touchpoints[0].max_repeats, Some(1));
    let read = read(&again);
    assert_eq!(read.touchpoints[0].max_repeats, None);
    assert_eq!(pairs(&read), [("A", "Won")]);
}

#[test]
fn a_sub_process_may_be_repeated_in_any_order_and_not_in_one() {
    let stage = |flows: &str, sign: &str| {
        format!(
            r#"<subProcess id="fill" name="Fill">{sign}<task id="name"/><task id="address"/>
               <sequenceFlow id="twice" sourceRef="name" targetRef="name"/>{flows}</subProcess>"#
        )
    };
    let any = read(&drawn(&stage("", "<standardLoopCharacteristics/>"), ONWARD));
    assert_eq!((pairs(&any), any.stages[0].sequence, any.touchpoints.len()), (vec![("fill", "pay")], false, 3));
    let chain = r#"<sequenceFlow id="then" sourceRef="name" targetRef="address"/>"#;
    // One task of a sequence may repeat: the next one still comes after it.
    assert!(read(&drawn(&stage(chain, ""), ONWARD)).stages[0].sequence);
    let back = r#"<sequenceFlow id="again" sourceRef="fill" targetRef="fill"/>"#;
    for wrong in [
        drawn(&stage(chain, "<standardLoopCharacteristics/>"), ONWARD),
        drawn(&stage(chain, ""), &format!("{ONWARD}{back}")),
    ] {
        let faults = bpmn_read::read("x.bpmn", &wrong).expect_err("no map says so").to_string();
        assert!(
            faults.contains("x.bpmn:3:3  `fill` is repeated whole, and its tasks stand one after the other"),
            "{faults}"
        );
        assert!(faults.contains("draw the loop around one task"), "{faults}");
    }
}

fn planned(belongs: &str) -> String {
    format!(
        r#"<CJML><plannedJourney><journeyID>j</journeyID>
  <phases><phase phaseID="look">Look</phase><phase phaseID="buy now">Buy</phase></phases>
  <touchpoints>
   <plannedAction><touchpointID>page</touchpointID><belongsTo phaseIDref="look"/></plannedAction>
   <plannedAction><touchpointID>pay</touchpointID>{belongs}</plannedAction>
  </touchpoints></plannedJourney></CJML>"#
    )
}

#[test]
fn a_touchpoint_of_several_phases_is_refused_and_one_phase_named_twice_is_one() {
    let buys = r#"<belongsTo phaseIDref="buy now"/>"#;
    for one in [buys.to_owned(), format!("{buys}{buys}")] {
        let draft = cjml_read::read("x.cjml", &planned(&one)).unwrap_or_else(|f| panic!("{f}"));
        let made = draft.finish("x").unwrap_or_else(|f| panic!("{f}"));
        let map = map::parse("x", &made).unwrap_or_else(|f| panic!("{f}\n{made}"));
        assert_eq!(map.touchpoints.iter().map(|t| t.stage).collect::<Vec<_>>(), [0, 1], "{made}");
    }
    for several in
        [format!(r#"<belongsTo phaseIDref="look"/>{buys}"#), r#"<belongsTo phaseIDref="look later"/>"#.to_owned()]
    {
        let faults = cjml_read::read("x.cjml", &planned(&several)).expect_err("of two phases").to_string();
        assert!(faults.contains("x.cjml:5:4  `plannedAction` `pay` belongs to 2 phases: `look`, "), "{faults}");
        assert!(faults.contains("one touchpoint in each, with an id of its own"), "{faults}");
    }
}
