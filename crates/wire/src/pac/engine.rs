//! One script in one engine: its limits, its helpers, and the call of its function.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Exception, Function, Runtime, Value};

use super::{MEMORY_LIMIT, Moment, NAMES_LIMIT, PacError, RESULT_LIMIT, STACK_LIMIT, WORK_LIMIT, World, helpers};

/// What the language has, less what would tell the time or wait: no `performance`, no weak references. No `Proxy`
/// either: a list behind one can say one length to be charged for and another one to be worked through.
type Intrinsics = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

/// Jumps and calls between two calls of the interrupt handler (`JS_INTERRUPT_COUNTER_INIT`).
const WORK_OF_AN_INTERRUPT: u64 = 10_000;
/// The copy of a script reports at most this many returns of one decision; the stack is walked for each.
const MARKS_LIMIT: u32 = 20_000;
/// Calls on the stack that are told apart.
const DEPTH_LIMIT: isize = 64;
/// Characters kept of what the engine says of an error.
const ERROR_LIMIT: usize = 200;

/// The copy of a script calls this before each `return`, with the number of the rule.
pub(super) const MARK: &str = "__truepath_return";
/// The functions that are asked, the first one that there is. Browsers know the first alone, WinHTTP the second one too.
const ENTRIES: [&str; 2] = ["FindProxyForURL", "FindProxyForURLEx"];

pub(super) struct Engine {
    context: Context,
    state: Rc<State>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The answer of one call.
pub(super) struct Answer {
    pub(super) result: String,
    pub(super) resolved: Vec<String>,
    /// Where the script is a copy that reports them: the `return` that ended the function, then the one that ended the
    /// function that it called last, and so on.
    pub(super) marks: Vec<Mark>,
}

#[derive(Clone)]
pub(super) struct Mark {
    /// The number of the rule.
    pub(super) number: usize,
    /// The last helper that answered true before it.
    pub(super) last_true: Option<String>,
}

/// What helpers and engine share during a call.
pub(super) struct State {
    world: Rc<dyn World>,
    pub(super) moment: Moment,
    work_left: Cell<u64>,
    asked: RefCell<Vec<(String, Vec<IpAddr>)>>,
    last_true: RefCell<Option<String>>,
    marks_made: Cell<u32>,
    /// How deep the stack is in a function that is called from outside.
    base: Cell<Option<usize>>,
    /// The last `return` of each depth, as long as none of a lesser depth came after it.
    marks: RefCell<Vec<Mark>>,
}

impl State {
    /// Takes off work done; `false` once there is none left, and then forever until the next call.
    pub(super) fn work(&self, units: u64) -> bool {
        let left = self.work_left.get().saturating_sub(units);
        self.work_left.set(left);
        left > 0
    }

    fn may_go_on(&self) -> bool {
        if !self.world.may_go_on() {
            self.work_left.set(0);
        }
        self.work(WORK_OF_AN_INTERRUPT)
    }

    /// Takes off what one operation of the language is about to cost, before it starts: the engine does not ask on the way.
    fn charge(&self, units: f64) -> bool {
        // A conversion of a float saturates, and what is not a number is 0.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as is meant")]
        let units = units.max(0.0) as u64;
        let is_long = units >= WORK_OF_AN_INTERRUPT;
        if is_long && !self.world.may_go_on() {
            self.work_left.set(0);
        }
        self.work(units)
    }

    pub(super) fn resolve(&self, name: &str) -> Vec<IpAddr> {
        if name.is_empty() {
            return Vec::new();
        }
        if let Ok(address) = name.parse() {
            return vec![address];
        }
        if let Some((_, addresses)) = self.asked.borrow().iter().find(|(asked, _)| asked == name) {
            return addresses.clone();
        }
        if self.asked.borrow().len() >= NAMES_LIMIT {
            return Vec::new();
        }
        let addresses = self.world.resolve(name);
        self.asked.borrow_mut().push((name.to_owned(), addresses.clone()));
        addresses
    }

    pub(super) fn own_addresses(&self) -> Vec<IpAddr> {
        self.world.own_addresses()
    }

    pub(super) fn answered_true(&self, call: String) {
        *self.last_true.borrow_mut() = Some(call);
    }

    fn begin(&self) {
        self.work_left.set(WORK_LIMIT);
        self.asked.borrow_mut().clear();
        *self.last_true.borrow_mut() = None;
        self.marks_made.set(0);
        self.marks.borrow_mut().clear();
    }

    /// A `return` is about to return, once it has its value.
    fn mark(&self, ctx: &Ctx<'_>, number: usize) {
        self.marks_made.set(self.marks_made.get().saturating_add(1));
        if self.marks_made.get() > MARKS_LIMIT {
            return;
        }
        // Calls of native functions have no name of a script; they are not counted.
        let depth = (0..DEPTH_LIMIT).filter(|level| ctx.script_or_module_name(*level).is_some()).count();
        let Some(base) = self.base.get() else {
            self.base.set(Some(depth));
            return;
        };
        let mut marks = self.marks.borrow_mut();
        // What a condition calls returns before anything of the function that asks.
        if let Some(depth) = depth.checked_sub(base).filter(|depth| *depth <= marks.len()) {
            marks.truncate(depth);
            marks.push(Mark { number, last_true: self.last_true.borrow().clone() });
        }
    }
}

impl Engine {
    pub(super) fn load(script: &str, world: Rc<dyn World>, moment: Moment) -> Result<Self, PacError> {
        let ours = |error: rquickjs::Error| PacError::Script(error.to_string());
        let state = Rc::new(State {
            world,
            moment,
            work_left: Cell::new(WORK_LIMIT),
            asked: RefCell::default(),
            last_true: RefCell::default(),
            marks_made: Cell::new(0),
            base: Cell::new(None),
            marks: RefCell::default(),
        });
        let runtime = Runtime::new().map_err(ours)?;
        runtime.set_memory_limit(MEMORY_LIMIT);
        runtime.set_max_stack_size(STACK_LIMIT);
        let counted = state.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || !counted.may_go_on())));
        let context = Context::custom::<Intrinsics>(&runtime).map_err(ours)?;
        let engine = Self { context, state };
        engine.context.with(|ctx| {
            engine.prepare(&ctx).catch(&ctx).map_err(|error| engine.error(error))?;
            engine.state.begin();
            let run = ctx.eval_with_options::<(), _>(script, sloppy());
            run.catch(&ctx).map_err(|error| engine.error(error))?;
            entry(&ctx).map(|_| ())
        })?;
        Ok(engine)
    }

    fn prepare<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<()> {
        let Moment { now, offset_seconds } = self.state.moment;
        let milliseconds = now.0.as_millisecond() as f64;
        let prelude: Function<'js> = ctx.eval_with_options(include_str!("prelude.js"), sloppy())?;
        let state = self.state.clone();
        let charge = move |ctx: Ctx<'js>, units: f64| match state.charge(units) {
            true => Ok(()),
            false => Err(Exception::throw_internal(&ctx, "interrupted")),
        };
        prelude.call::<_, ()>((milliseconds, offset_seconds, Function::new(ctx.clone(), charge)?))?;
        helpers::define(ctx, &self.state)?;
        let state = self.state.clone();
        let mark = move |ctx: Ctx<'js>, number: usize| state.mark(&ctx, number);
        ctx.globals().set(MARK, Function::new(ctx.clone(), mark)?)?;
        // Tells how deep the stack is in a function that is called from outside.
        let direct: Function<'js> =
            ctx.eval_with_options(format!("(function () {{ return {MARK}(0); }})"), sloppy())?;
        direct.call::<_, ()>(())
    }

    pub(super) fn find(&self, url: &str, host: &str) -> Result<Answer, PacError> {
        self.context.with(|ctx| {
            let function = entry(&ctx)?;
            self.state.begin();
            let value: Value<'_> = function.call((url, host)).catch(&ctx).map_err(|error| self.error(error))?;
            let result = value.as_string().and_then(|text| text.to_string().ok()).ok_or(PacError::NoResult)?;
            if result.chars().count() > RESULT_LIMIT {
                return Err(PacError::NoResult);
            }
            Ok(Answer {
                result: result.trim().replace(char::is_control, " "),
                resolved: self.state.asked.take().into_iter().map(|(name, _)| name).collect(),
                marks: self.state.marks.take(),
            })
        })
    }

    fn error(&self, error: CaughtError<'_>) -> PacError {
        if self.state.work_left.get() == 0 {
            return PacError::TooMuchWork;
        }
        let text = match &error {
            CaughtError::Exception(exception) => {
                let place = exception.stack().and_then(|stack| stack.lines().next().map(|line| line.trim().to_owned()));
                format!("{} {}", exception.message().unwrap_or_default(), place.unwrap_or_default())
            }
            CaughtError::Value(value) => match value.as_string().and_then(|text| text.to_string().ok()) {
                Some(text) => format!("it threw `{text}`"),
                None => "it threw something that is not an error".to_owned(),
            },
            CaughtError::Error(error) => error.to_string(),
        };
        let text = text.trim().replace("eval_script:", "line ");
        PacError::Script(text.chars().filter(|c| !c.is_control()).take(ERROR_LIMIT).collect())
    }
}

fn entry<'js>(ctx: &Ctx<'js>) -> Result<Function<'js>, PacError> {
    let globals = ctx.globals();
    ENTRIES.iter().find_map(|name| globals.get::<_, Function<'js>>(*name).ok()).ok_or(PacError::NoFunction)
}

/// As browsers run a script: not in strict mode, which many a script does not survive.
fn sloppy() -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options
}
