//! Where people went after a drop-off, and why. In: drop-offs of mature entry dates, counted by stage and by what followed.
//! Out: one [`LostStage`] for each stage at which anything was lost. Its ways exclude each other and add up to it: every
//! drop-off goes the first way that holds of it.

use super::Rate;
use crate::aggregate::lost::LostCount;
use crate::journey::Went;
use crate::map::{MapVersions, Text};

#[derive(Clone, Debug, PartialEq)]
pub struct LostStage {
    pub stage: String,
    pub title: Text,
    /// Dropped or ended here: the drop-offs of the stage's drop-off rate.
    pub journeys: u64,
    /// In the order in which they are tried.
    pub ways: Vec<LostWay>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LostWay {
    /// None: computed by an older program, which did not tell.
    pub went: Option<Went>,
    pub journeys: u64,
    /// Of the drop-offs of the stage.
    pub share: Rate,
    /// The most frequent, most frequent first, and how many different ones there are.
    pub things: Vec<LostThing>,
    pub distinct: u64,
    /// Ids of three journeys that went this way.
    pub examples: Vec<String>,
}

/// What exactly followed.
#[derive(Clone, Debug, PartialEq)]
pub struct LostThing {
    /// Id of a touchpoint, rule, channel or stage, or an event's name; "" in silence.
    pub name: String,
    /// The id in words.
    pub title: Text,
    /// Of an event on no touchpoint its page, or "".
    pub path: String,
    pub journeys: u64,
}

pub(super) fn lost(versions: &MapVersions, counts: &[LostCount]) -> Vec<LostStage> {
    let map = versions.newest();
    // Stages of older versions that the newest does not have stand last.
    let mut ids: Vec<&str> = map.stages.iter().map(|s| &*s.id).collect();
    for count in counts {
        if !ids.contains(&count.stage.as_str()) {
            ids.push(&count.stage);
        }
    }
    let stage = |id: &str| {
        let own: Vec<&LostCount> = counts.iter().filter(|c| c.stage == id).collect();
        let ways = Went::ALL.into_iter().map(Some).chain([None]);
        let ways = ways.filter_map(|went| {
            let word = went.map_or("", Went::as_str);
            let rows: Vec<&LostCount> = own.iter().copied().filter(|c| c.went == word).collect();
            let first = rows.first()?;
            let mut examples: Vec<String> = rows.iter().flat_map(|r| r.examples.iter().cloned()).collect();
            examples.sort();
            examples.truncate(3);
            let thing = |r: &&LostCount| LostThing {
                name: r.name.clone(),
                title: title(versions, went, &r.name),
                path: r.path.clone(),
                journeys: r.journeys,
            };
            Some(LostWay {
                went,
                journeys: first.of_way,
                share: Rate::None,
                things: rows.iter().map(thing).collect(),
                distinct: first.things,
                examples,
            })
        });
        let mut ways: Vec<LostWay> = ways.collect();
        let journeys = ways.iter().map(|w| w.journeys).sum();
        ways.iter_mut().for_each(|way| way.share = Rate::point(way.journeys, journeys));
        let declared = map.stages.iter().find(|s| *s.id == *id);
        let title = declared.map_or_else(|| plain(id), |s| s.title.clone());
        LostStage { stage: id.to_owned(), title, journeys, ways }
    };
    ids.into_iter().map(stage).filter(|s| s.journeys > 0).collect()
}

fn plain(id: &str) -> Text {
    Text([(String::new(), id.to_owned())].into())
}

/// As the newest version that has it calls it.
fn title(versions: &MapVersions, went: Option<Went>, id: &str) -> Text {
    let mut newest_first = versions.versions.iter().rev();
    let found = newest_first.find_map(|map| match went? {
        Went::ExitReason | Went::Failed => map.touchpoints.iter().find(|t| *t.id == *id).map(|t| &t.title),
        Went::Channel => map.channels.iter().find(|c| *c.id == *id).map(|c| &c.title),
        Went::CameBack => map.stages.iter().find(|s| *s.id == *id).map(|s| &s.title),
        Went::Support | Went::Outside | Went::Silence => None,
    });
    found.filter(|t| !t.0.is_empty()).cloned().unwrap_or_else(|| plain(id))
}
